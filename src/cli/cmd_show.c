/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/revision_text.h"

enum { OPTION_JSON = OPTION_OWN };

const struct option_help show_options_help[] = {
	{"json", OPTION_JSON, NULL, "print it as JSON"},
	REVISIONS_OPTIONS_HELP,
	{0},
};

static int show_run(
	struct reader_options *o, const char *given, const char *which, bool json)
{
	struct known_revision k = {0};
	struct trouble t = {0};
	struct revisions r;
	int rc = revisions_open(&r, given, which, o, &k, &t);

	if (rc)
		return command_fail("show", &t);
	if (json) {
		rc = json_output(revision_json(&r, &k), JSON_INDENT(1));
		if (rc)
			trouble_set(&t, rc, "%s", error_text(rc));
	} else {
		revision_print(&r, &k);
	}
	known_revision_release(&k);
	revisions_close(&r);
	return rc ? command_fail("show", &t) : EXIT_SUCCESS;
}

int cmd_show(int argc, char **argv)
{
	struct reader_options o;
	bool json = false, taken;
	int letter, status = 0;

	reader_options_init(&o);
	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		json |= letter == OPTION_JSON;
		status = reader_option(&o, "show", letter, optarg, &taken);
	}
	if (!status && (optind >= argc || argc - optind > 2))
		status = command_use("show",
			"a STORE or URL is needed, and at most one revision or tag");
	if (!status)
		status = show_run(&o, argv[optind], argv[optind + 1], json);
	return reader_options_end(&o, status);
}
