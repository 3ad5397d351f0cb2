/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/changes.h"
#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/size.h"
#include "format/json_byte_string.h"

enum { OPTION_STAT = OPTION_OWN, OPTION_NAME_ONLY, OPTION_JSON };

const struct option_help diff_options_help[] = {
	{"stat", OPTION_STAT, NULL, "only how much of each kind"},
	{"name-only", OPTION_NAME_ONLY, NULL, "only the paths"},
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	REVISIONS_OPTIONS_HELP,
	{0},
};

/* Changes of a kind; bytes of the files before and after. */
struct diff_count {
	uint64_t changes, before, after;
};

struct diff_run {
	struct reader_options o;
	bool stat, name_only, json;
	const char *given, *a, *b;
	struct diff_count counts[CHANGE_KINDS];
	uint64_t all;
	struct progress *progress;
};

static uint64_t file_bytes(const struct entry *e)
{
	return e && e->type == ENTRY_FILE ? e->size : 0;
}

static void diff_add(struct diff_run *d, const struct told_change *c)
{
	struct diff_count *count = &d->counts[c->change.kind];
	char note[48];

	count->changes++;
	count->before = page_bytes_add(count->before, file_bytes(c->before));
	count->after = page_bytes_add(count->after, file_bytes(c->after));
	if (d->progress && ++d->all % 1024 == 0) {
		snprintf(note, sizeof note, "%llu changes", (unsigned long long)d->all);
		progress_say(d->progress, note);
	}
}

static void diff_print_path(const struct entry *e)
{
	char *path = entry_path_text(e);

	put_name(stdout, span_of_string(path && *path ? path : "."));
	free(path);
}

/* "mode 0644 -> 0755" for what is short, the name of the part for the rest. */
static void print_part(const char *name, const struct told_change *c, const char *before)
{
	char from[SIZE_TEXT], to[SIZE_TEXT];

	printf("%s%s", before, name);
	if (*name == 's')
		printf(" %s -> %s", size_text(c->before->size, from),
			size_text(c->after->size, to));
	else if (name[0] == 'm' && name[1] == 'o')
		printf(" %04o -> %04o", c->before->mode, c->after->mode);
	else if (*name == 'o')
		printf(" %u:%u -> %u:%u", c->before->uid, c->before->gid, c->after->uid,
			c->after->gid);
}

static void print_change(const struct told_change *c)
{
	const struct entry *e = c->after ? c->after : c->before;
	unsigned parts = c->change.parts;
	const char *name, *before = "  (";
	char size[SIZE_TEXT];

	printf("%-10s  ", change_kind_text(c->change.kind));
	diff_print_path(e);
	if (c->change.kind == CHANGE_TYPE)
		printf("  (%s -> %s)", type_text(c->before->type), type_text(e->type));
	else if (!parts && e->type == ENTRY_FILE)
		printf("  (%s)", size_text(e->size, size));
	for (; (name = change_part_text(&parts)); before = ", ")
		print_part(name, c, before);
	printf("%s\n", c->change.parts ? ")" : "");
}

static json_t *entry_or_null(const struct entry *e)
{
	return e ? entry_json(e) : json_null();
}

static int print_change_json(const struct told_change *c)
{
	unsigned parts = c->change.parts;
	char *path = entry_path_text(c->after ? c->after : c->before);
	json_t *names = json_array();
	const char *name;
	int rc;

	while ((name = change_part_text(&parts)))
		json_array_append_new(names, json_string(name));
	rc = json_output(json_pack("{s:s, s:o, s:o, s:o, s:o}", "change",
				 change_kind_text(c->change.kind), "path",
				 path ? json_byte_string(span_of_string(path)) : NULL,
				 "parts", names, "before", entry_or_null(c->before),
				 "after", entry_or_null(c->after)),
		JSON_COMPACT);
	free(path);
	return rc;
}

static int diff_each(void *ctx, const struct told_change *c, struct trouble *t)
{
	struct diff_run *d = ctx;
	int rc = 0;

	diff_add(d, c);
	if (d->stat)
		return 0;
	if (d->json) {
		rc = print_change_json(c);
	} else if (d->name_only) {
		diff_print_path(c->after ? c->after : c->before);
		putchar('\n');
	} else {
		print_change(c);
	}
	if (!rc && output_is_lost())
		rc = ERR_IO;
	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}

static void print_stat(
	const struct diff_run *d, const struct manifest *a, const struct manifest *b)
{
	char before[SIZE_TEXT], after[SIZE_TEXT];

	printf("revision %llu -> %llu: %llu -> %llu entries, %s -> %s\n",
		(unsigned long long)a->revision, (unsigned long long)b->revision,
		(unsigned long long)a->totals.entries,
		(unsigned long long)b->totals.entries, size_text(a->totals.bytes, before),
		size_text(b->totals.bytes, after));
	for (unsigned i = 0; i < CHANGE_KINDS; i++)
		printf("%-10s  %10llu  %s -> %s\n", change_kind_text(i),
			(unsigned long long)d->counts[i].changes,
			size_text(d->counts[i].before, before),
			size_text(d->counts[i].after, after));
}

static int print_stat_json(
	const struct diff_run *d, const struct manifest *a, const struct manifest *b)
{
	json_t *kinds = json_object();

	for (unsigned i = 0; i < CHANGE_KINDS; i++)
		json_object_set_new(kinds, change_kind_text(i),
			json_pack("{s:o, s:o, s:o}", "changes",
				json_output_number(d->counts[i].changes), "bytes_before",
				json_output_number(d->counts[i].before), "bytes_after",
				json_output_number(d->counts[i].after)));
	return json_output(
		json_pack("{s:o, s:o, s:o}", "before", json_output_number(a->revision),
			"after", json_output_number(b->revision), "kinds", kinds),
		JSON_COMPACT);
}

static int diff_compare(struct diff_run *d, struct revisions *r, const struct manifest *a,
	const struct manifest *b, struct trouble *t)
{
	int rc;

	if (d->stat)
		d->progress = progress_new("diff");
	rc = changes_each(r, &a->root, &b->root, diff_each, d, t);
	progress_end(d->progress);
	if (rc || !d->stat)
		return rc;
	if (!d->json)
		print_stat(d, a, b);
	else if ((rc = print_stat_json(d, a, b)))
		trouble_set(t, rc, "%s", error_text(rc));
	return rc;
}

static int diff_start(struct diff_run *d, struct trouble *t)
{
	struct known_revision a = {0}, b = {0};
	struct revisions r;
	bool named = d->a != NULL;
	uint64_t number;
	int rc = revisions_open(&r, d->given, d->a, &d->o, named ? &a : &b, t);

	if (rc)
		return rc;
	number = r.newest;
	rc = named ? revisions_find(&r, d->b, &b, t) : revisions_next(&r, &number, &a, t);
	if (!rc)
		rc = diff_compare(d, &r, a.manifest, b.manifest, t);
	known_revision_release(&a);
	known_revision_release(&b);
	revisions_close(&r);
	return rc;
}

int cmd_diff(int argc, char **argv)
{
	struct diff_run d = {0};
	struct trouble t = {0};
	int letter, status = 0;
	bool taken;

	reader_options_init(&d.o);
	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		d.stat |= letter == OPTION_STAT;
		d.name_only |= letter == OPTION_NAME_ONLY;
		d.json |= letter == OPTION_JSON;
		status = reader_option(&d.o, "diff", letter, optarg, &taken);
	}
	if (!status && (optind >= argc || argc - optind > 3))
		status = command_use("diff",
			"a STORE or URL is needed, and at most two revisions or tags");
	if (!status && d.name_only && (d.stat || d.json))
		status = command_use("diff", "--name-only goes with no other form");
	if (!status) {
		d.given = argv[optind];
		d.a = argv[optind + 1];
		d.b = d.a ? argv[optind + 2] : NULL;
		status = diff_start(&d, &t) ? command_fail("diff", &t) : 0;
	}
	return reader_options_end(&d.o, status);
}
