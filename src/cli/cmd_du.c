/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache_command.h"
#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/selection.h"
#include "cli/size.h"
#include "cli/usage.h"
#include "format/json_byte_string.h"

enum { OPTION_JSON = OPTION_OWN, OPTION_RESIDENT };

const struct option_help du_options_help[] = {
	{"human-readable", 'h', NULL, "sizes as 1.4 GiB instead of bytes"},
	{"summarize", 's', NULL, "only the paths themselves: --depth 0"},
	{"depth", 'd', "N", "directories that far below them, too (default: 1)"},
	{"resident", OPTION_RESIDENT, NULL,
		"how much of it is in the cache: looks at every entry"},
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	READER_OPTIONS_HELP,
	{0},
};

struct du {
	struct cache_command command; /* URL or mount point, and the paths */
	struct usage_options usage;
	bool human, json;
};

static int du_json(const struct du *d, const char *path, const struct usage *u)
{
	json_t *o = json_pack("{s:o,s:o,s:o}", "path",
		json_byte_string(span_of_string(path)), "bytes",
		json_output_number(u->bytes), "entries", json_output_number(u->entries));

	if (o && d->usage.resident)
		json_object_set_new(o, "resident", json_output_number(u->resident));
	return json_output(o, JSON_COMPACT);
}

static void print_size(const struct du *d, uint64_t bytes)
{
	char text[SIZE_TEXT];

	if (d->human)
		printf("%10s ", size_text(bytes, text));
	else
		printf("%14llu ", (unsigned long long)bytes);
}

static int du_print(void *ctx, const char *path, const struct usage *u)
{
	const struct du *d = ctx;

	if (d->json)
		return du_json(d, path, u);
	print_size(d, u->bytes);
	if (d->usage.resident)
		print_size(d, u->resident);
	printf("%9llu ", (unsigned long long)u->entries);
	put_name(stdout, span_of_string(*path ? path : "."));
	putchar('\n');
	return 0;
}

struct du_turn {
	struct du *du;
	struct reader *reader;
};

static int du_selected(void *ctx, const char *path, const struct entry *e, uint64_t rank,
	struct trouble *t)
{
	const struct du_turn *turn = ctx;
	int rc = usage_each(turn->reader, path, e, &turn->du->usage, du_print, turn->du, t);

	(void)rank;
	if (rc && !t->code)
		trouble_set(
			t, rc, "cannot tell how large '%s' is: %s", path, error_text(rc));
	return rc;
}

static int du_path(void *ctx, struct reader *r, const char *path, struct trouble *t)
{
	struct du_turn turn = {ctx, r};

	return selection_each(r, path, du_selected, &turn, t);
}

/* 0 or EXIT_USE. */
static int du_option(struct du *d, int letter)
{
	uint64_t depth = 0;

	switch (letter) {
	case 'h':
		d->human = true;
		return 0;
	case 'd':
		if (number_parse(optarg, UINT_MAX, &depth))
			return command_use(
				"du", "--depth takes a number, not '%s'", optarg);
		/* fall through */
	case 's':
		d->usage.depth = (unsigned)depth;
		return 0;
	case OPTION_RESIDENT:
		d->usage.resident = true;
		return 0;
	default:
		d->json = true;
		return 0;
	}
}

int cmd_du(int argc, char **argv)
{
	struct du d = {.usage.depth = 1};
	struct reader_options *o = &d.command.reader;
	struct trouble t = {0};
	int letter, rc;
	bool taken;

	reader_options_init(o);
	while ((letter = command_getopt(argc, argv)) != -1) {
		rc = reader_option(o, "du", letter, optarg, &taken);
		if (!rc && !taken)
			rc = du_option(&d, letter);
		if (rc)
			return reader_options_end(o, EXIT_USE);
	}
	if (optind >= argc)
		return reader_options_end(
			o, command_use("du", "a URL or a mount point is needed"));
	d.command.argc = argc - optind;
	d.command.argv = argv + optind;
	rc = cache_command_each_path(&d.command, false, du_path, &d, &t);
	return reader_options_end(o, rc ? command_fail("du", &t) : EXIT_SUCCESS);
}
