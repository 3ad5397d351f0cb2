/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/reader.h"
#include "cli/size.h"

enum { OPTION_JSON = OPTION_OWN };

const struct option_help stat_options_help[] = {
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	READER_OPTIONS_HELP,
	{0},
};

static uint64_t resident(struct reader *r, const struct entry *e)
{
	struct attempt a;
	uint64_t bytes = 0;

	if (e->type != ENTRY_FILE || attempt_begin(&a, r->cache, NULL))
		return 0;
	if (attempt_resident(&a, e, &bytes))
		bytes = 0;
	attempt_end(&a);
	return bytes;
}

static void print_content(struct reader *r, const struct entry *e)
{
	char hex[DIGEST_HEX_SIZE];

	printf("    data: %llu bytes in %llu extents, %llu in the cache\n",
		(unsigned long long)entry_data_size(e),
		(unsigned long long)entry_run_count(e), (unsigned long long)resident(r, e));
	if (!e->has_content)
		return;
	digest_to_hex(&e->content, hex);
	printf("  sha256: %s\n", hex);
	digest_to_hex(&e->object.digest, hex);
	printf("  object: %s\n          %llu bytes, at %llu, %s\n", hex,
		(unsigned long long)e->object.size, (unsigned long long)e->offset,
		e->object.form == OBJECT_SINGLE	  ? "one chunk"
		: e->object.form == OBJECT_LISTED ? "chunks listed in the page"
						  : "chunks in a recipe");
}

static void print_xattrs(struct span packed)
{
	struct xattr x;
	size_t at = 0;

	while (xattr_next(packed, &at, &x)) {
		printf("   xattr: ");
		put_name(stdout, x.name);
		printf(" (%zu bytes)\n", x.value.size);
	}
}

static void print(struct reader *r, const struct entry *e, uint64_t rank)
{
	char mode[MODE_TEXT], when[TIME_TEXT];
	char *path = entry_path_text(e);

	printf("    path: ");
	put_name(stdout, span_of_string(path && *path ? path : "."));
	free(path);
	mode_text(e, mode);
	printf("\n    type: %s\n    mode: %04o (%s)\n   owner: %u:%u\n", type_text(e->type),
		e->mode, mode, e->uid, e->gid);
	time_text(e->mtime, e->mtime_nsec, when);
	printf("    size: %llu\n   mtime: %s\n   links: %u\n   inode: %llu\n    rank: "
	       "%llu\n",
		(unsigned long long)e->size, when, e->links, (unsigned long long)e->inode,
		(unsigned long long)rank);
	if (e->type == ENTRY_SYMLINK) {
		printf("  target: ");
		put_name(stdout, e->target);
		putchar('\n');
	}
	if (e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK)
		printf("  device: %u, %u\n", e->major, e->minor);
	print_xattrs(e->xattrs);
	if (e->type == ENTRY_FILE)
		print_content(r, e);
}

static int stat_path(struct reader *r, const char *text, bool json, struct trouble *t)
{
	struct entry_copy copy = {0};
	char *path = reader_path(text, t);
	uint64_t rank = 0;
	int rc = path ? reader_find(r, path, &copy, &rank, t) : t->code;

	if (!rc && json) {
		json_t *o = entry_json(&copy.entry);

		json_object_set_new(
			o, "resident", json_integer((json_int_t)resident(r, &copy.entry)));
		rc = json_output(o, JSON_COMPACT);
		if (rc)
			trouble_set(t, rc, "%s: %s", text, error_text(rc));
	} else if (!rc) {
		print(r, &copy.entry, rank);
	}
	entry_copy_release(&copy);
	free(path);
	return rc;
}

int cmd_stat(int argc, char **argv)
{
	struct reader_options o;
	struct reader r;
	struct trouble t = {0};
	int letter, status = EXIT_SUCCESS;
	bool json = false, taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1) {
		if (reader_option(&o, "stat", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
		json |= letter == OPTION_JSON;
	}
	if (optind >= argc)
		return reader_options_end(&o, command_use("stat", "a URL is needed"));
	o.dataset.url = argv[optind++];
	if (reader_open(&r, &o, NULL, &t))
		return reader_options_end(&o, command_fail("stat", &t));
	if (optind == argc && stat_path(&r, "", json, &t))
		status = command_fail("stat", &t);
	for (; optind < argc; optind++)
		if (stat_path(&r, argv[optind], json, &t))
			status = command_fail("stat", &t);
	reader_close(&r);
	return reader_options_end(&o, status);
}
