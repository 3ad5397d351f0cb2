/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/output.h"
#include "cli/reader.h"

enum { OPTION_JSON = OPTION_OWN };

const struct option_help ls_options_help[] = {
	{"long", 'l', NULL, "mode, links, owner, size, time and target"},
	{"recursive", 'R', NULL, "the whole subtree, with paths"},
	{"directory", 'd', NULL, "the directory itself, not what is in it"},
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	READER_OPTIONS_HELP,
	{0},
};

struct listing {
	bool wide, recursive, itself, json;
	const char *directory; /* whose children are listed, unless recursive */
};

static void print_long(const struct entry *e)
{
	char mode[MODE_TEXT], when[TIME_TEXT], size[32];

	mode_text(e, mode);
	time_text(e->mtime, e->mtime_nsec, when);
	if (e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK)
		snprintf(size, sizeof size, "%u, %u", e->major, e->minor);
	else
		snprintf(size, sizeof size, "%llu", (unsigned long long)e->size);
	printf("%s %3u %5u %5u %12s %.19s ", mode, e->links, e->uid, e->gid, size, when);
}

static int print_entry(const struct listing *l, const struct entry *e)
{
	if (l->json)
		return json_output(entry_json(e), JSON_COMPACT);
	if (l->wide)
		print_long(e);
	if ((l->recursive || l->itself) && e->parent.size) {
		put_name(stdout, e->parent);
		putchar('/');
	}
	put_name(stdout, e->name.size ? e->name : span_of_string("."));
	if (l->wide && e->type == ENTRY_SYMLINK) {
		printf(" -> ");
		put_name(stdout, e->target);
	}
	putchar('\n');
	return output_is_lost() ? ERR_IO : 0;
}

static int ls_failed(int rc, struct trouble *t)
{
	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}

static int ls_each(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	const struct listing *l = ctx;

	(void)rank;
	if (!l->recursive && !span_equal(e->parent, span_of_string(l->directory)))
		return 1; /* the directory's own run is over */
	return ls_failed(print_entry(l, e), t);
}

static int ls_path(struct reader *r, struct listing *l, const char *text, struct trouble *t)
{
	struct entry_copy copy = {0};
	char *path = reader_path(text, t);
	uint64_t first, end;
	int rc = path ? reader_find(r, path, &copy, NULL, t) : t->code;

	if (!rc && (copy.entry.type != ENTRY_DIRECTORY || l->itself)) {
		rc = ls_failed(print_entry(l, &copy.entry), t);
	} else if (!rc) {
		l->directory = path;
		rc = reader_subtree(r, path, &first, &end, t);
		if (!rc)
			rc = reader_walk(r, first, end, ls_each, l, t);
		rc = rc == 1 ? 0 : rc;
	}
	entry_copy_release(&copy);
	free(path);
	return rc;
}

int cmd_ls(int argc, char **argv)
{
	struct reader_options o;
	struct listing l = {0};
	struct reader r;
	struct trouble t = {0};
	int letter, status = EXIT_SUCCESS;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1) {
		if (reader_option(&o, "ls", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
		l.wide |= letter == 'l';
		l.recursive |= letter == 'R';
		l.itself |= letter == 'd';
		l.json |= letter == OPTION_JSON;
	}
	if (optind >= argc)
		return reader_options_end(&o, command_use("ls", "a URL is needed"));
	o.dataset.url = argv[optind++];
	if (reader_open(&r, &o, NULL, &t))
		return reader_options_end(&o, command_fail("ls", &t));
	if (optind == argc && ls_path(&r, &l, "", &t))
		status = command_fail("ls", &t);
	for (; optind < argc; optind++)
		if (ls_path(&r, &l, argv[optind], &t))
			status = command_fail("ls", &t);
	reader_close(&r);
	return reader_options_end(&o, status);
}
