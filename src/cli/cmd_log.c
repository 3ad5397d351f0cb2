/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/output.h"
#include "cli/revision_text.h"
#include "cli/size.h"

enum { OPTION_JSON = OPTION_OWN };

const struct option_help log_options_help[] = {
	{"number", 'n', "N", "at most that many"},
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	REVISIONS_OPTIONS_HELP,
	{0},
};

struct log_arguments {
	struct reader_options o;
	uint64_t most; /* 0: all */
	bool json;
};

static int log_print(const struct log_arguments *a, const struct revisions *r,
	const struct known_revision *k, struct trouble *t)
{
	int rc = 0;

	if (a->json) {
		rc = json_output(revision_json(r, k), JSON_COMPACT);
		if (rc)
			trouble_set(t, rc, "%s", error_text(rc));
	} else {
		revision_print_short(r, k);
		if (output_is_lost())
			rc = trouble_set(t, ERR_IO, "%s", error_text(ERR_IO));
	}
	return rc;
}

/* What another key has signed, or is damaged, is said, and does not hide the others. */
static bool is_passed_over(int rc)
{
	return rc == ERR_UNTRUSTED || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED;
}

static int log_rest(const struct log_arguments *a, struct revisions *r, bool *damaged,
	struct trouble *t)
{
	uint64_t number = r->newest, shown = 1;
	int rc = 0;

	while (!rc && shown != a->most) {
		struct known_revision k = {0};

		rc = revisions_next(r, &number, &k, t);
		if (rc == ERR_ABSENT)
			return 0;
		if (!rc) {
			rc = log_print(a, r, &k, t);
			shown++;
		} else if (is_passed_over(rc)) {
			log_warning(r->reader.log, "%s", t->text);
			*damaged |= rc == ERR_CORRUPT;
			rc = 0;
		}
		known_revision_release(&k);
	}
	return rc;
}

static int log_run(struct log_arguments *a, const char *given)
{
	struct known_revision newest = {0};
	struct trouble t = {0};
	struct revisions r;
	bool damaged = false;
	int rc = revisions_open(&r, given, NULL, &a->o, &newest, &t);

	if (rc)
		return command_fail("log", &t);
	rc = log_print(a, &r, &newest, &t);
	known_revision_release(&newest);
	if (!rc)
		rc = log_rest(a, &r, &damaged, &t);
	damaged |= r.unread_tags > 0;
	revisions_close(&r);
	return rc ? command_fail("log", &t) : damaged ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_log(int argc, char **argv)
{
	struct log_arguments a = {0};
	int letter, status = 0;
	bool taken;

	reader_options_init(&a.o);
	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		if (letter == 'n' && (number_parse(optarg, UINT64_MAX, &a.most) || !a.most))
			status = command_use("log", "--number takes a number from 1");
		else if (letter == OPTION_JSON)
			a.json = true;
		else if (letter != 'n')
			status = reader_option(&a.o, "log", letter, optarg, &taken);
	}
	if (!status && argc - optind != 1)
		status = command_use("log", "one STORE or URL is needed");
	if (!status)
		status = log_run(&a, argv[optind]);
	return reader_options_end(&a.o, status);
}
