/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/extract.h"
#include "cli/prefetcher.h"
#include "cli/progress.h"
#include "format/names.h"

#define AHEAD_ENTRIES 512 /* asked for before they are extracted */

const struct option_help get_options_help[] = {READER_OPTIONS_HELP, {0}};

struct get {
	struct reader *reader;
	struct prefetcher *prefetcher;
	struct extract *extract;
	struct progress *progress;
	uint64_t warnings;
};

static void get_warn(void *ctx, const struct trouble *t)
{
	struct get *g = ctx;

	g->warnings++;
	progress_hide();
	fprintf(stderr, "cairn get: warning: %s\n", t->text);
}

/* A chunk that did not come is asked for again, and complained of, by the extraction. */
static void get_prefetch_failed(
	void *ctx, const char *path, bool unkept, const struct trouble *t)
{
	(void)ctx;
	(void)path;
	(void)unkept;
	(void)t;
}

static int get_prefetch(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct get *g = ctx;

	(void)rank;
	return prefetcher_add(g->prefetcher, e, t);
}

static int get_extract(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct get *g = ctx;

	(void)rank;
	return extract_entry(g->extract, e, t);
}

/* Small files in runs: their bundles are all asked for at once. A large file would push
 * the others out of a small cache, and is read ahead of by its own reads. */
static int get_range(struct get *g, uint64_t first, uint64_t end, struct trouble *t)
{
	int rc = 0;

	while (!rc && first < end) {
		uint64_t stop = first + AHEAD_ENTRIES < end ? first + AHEAD_ENTRIES : end;

		rc = reader_walk(g->reader, first, stop, get_prefetch, g, t);
		prefetcher_finish(g->prefetcher);
		if (!rc)
			rc = reader_walk(g->reader, first, stop, get_extract, g, t);
		first = stop;
	}
	return rc;
}

/* The entry is named; where it was to go, and what now? */
static int say_where(int rc, const char *destination, struct trouble *t)
{
	struct trouble what = *t;

	return trouble_set(t, rc, "%.700s (extracting to %.200s)%s", what.text, destination,
		rc == ERR_EXISTS     ? "; name a destination that is new or empty"
		: rc == ERR_NO_SPACE ? "; make room there, or name another destination"
				     : "");
}

/* What has come is written soon, what was here already is not fetched: the larger one is
 * how far it is. */
static uint64_t get_done(void *ctx)
{
	const struct get *g = ctx;
	uint64_t written = extract_written(g->extract);
	uint64_t delivered = engine_delivered(g->reader->engine);

	return written > delivered ? written : delivered;
}

static int get_total(
	struct get *g, const char *path, const struct entry *e, struct trouble *t)
{
	uint64_t first, end, bytes = e->size;
	int rc = 0;

	if (e->type == ENTRY_DIRECTORY)
		rc = reader_subtree(g->reader, path, &first, &end, t);
	if (!rc && e->type == ENTRY_DIRECTORY)
		rc = reader_bytes(g->reader, first, end, &bytes, t);
	if (!rc)
		progress_set_total(g->progress, bytes);
	return rc;
}

/* What is below the base, and then the attributes of the directories. */
static int get_below(struct get *g, const char *path, struct trouble *t)
{
	uint64_t first, end;
	int rc = reader_subtree(g->reader, path, &first, &end, t);

	if (!rc)
		rc = get_range(g, first, end, t);
	return rc ? rc : extract_finish(g->extract, t);
}

static int get_path(struct reader *r, struct progress *progress, const char *path,
	const char *destination, struct trouble *t)
{
	struct get g = {.reader = r, .progress = progress};
	struct entry_copy base = {0};
	uint64_t rank;
	int rc = reader_find(r, path, &base, &rank, t);

	if (rc)
		return rc;
	if ((rc = prefetcher_new(r, get_prefetch_failed, &g, &g.prefetcher))) {
		trouble_set(t, rc, "out of memory");
		goto out;
	}
	if ((rc = extract_new(r, path, destination, get_warn, &g, &g.extract, t)))
		goto out;
	progress_say(progress, NULL);
	progress_watch(progress, get_done, &g);
	rc = progress ? get_total(&g, path, &base.entry, t) : 0;
	if (!rc)
		rc = get_extract(&g, &base.entry, rank, t);
	if (!rc && base.entry.type == ENTRY_DIRECTORY)
		rc = get_below(&g, path, t);
	if (rc)
		say_where(rc, destination, t);
out:
	progress_watch(progress, NULL, NULL);
	prefetcher_free(g.prefetcher);
	extract_free(g.extract);
	entry_copy_release(&base);
	return rc;
}

/* What is copied without a DESTINATION goes under its own name; the dataset's may be any
 * text, a path that leads out of here too. NULL with a sentence. */
static const char *own_name(const char *path, const struct manifest *m, struct trouble *t)
{
	const char *slash = strrchr(path, '/');

	if (*path)
		return slash ? slash + 1 : path;
	if (name_check(span_of_string(m->name)) == 0)
		return m->name;
	trouble_set(t, ERR_INVALID,
		"the dataset's name, %s, is no name for a directory: give a DESTINATION",
		m->name);
	return NULL;
}

/* DESTINATION as cp(1) reads it: an existing directory receives a file under its own
 * name; a directory may be extracted into an empty or a new one. */
static char *destination_of(
	const char *path, const char *given, struct reader *r, struct trouble *t)
{
	const char *base = given && !*path ? "" : own_name(path, r->dataset->manifest, t);
	char *out = NULL;
	struct stat st;

	if (!base)
		return NULL;
	if (!given)
		out = strdup(base);
	else if (*path && stat(given, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (asprintf(&out, "%s/%s", given, base) < 0)
			out = NULL;
	} else
		out = strdup(given);
	if (!out)
		trouble_set(t, ERR_NO_MEMORY, "out of memory");
	return out;
}

int cmd_get(int argc, char **argv)
{
	struct reader_options o;
	struct reader r;
	struct trouble t = {0};
	char *path = NULL, *destination = NULL;
	struct progress *progress;
	int letter, rc;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1)
		if (reader_option(&o, "get", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
	if (argc - optind < 2 || argc - optind > 3)
		return reader_options_end(
			&o, command_use("get",
				    "URL, PATH and at most one DESTINATION are needed"));
	o.dataset.url = argv[optind];
	path = reader_path(argv[optind + 1], &t);
	if (!path)
		return reader_options_end(&o, command_fail("get", &t));
	progress = progress_new("get");
	progress_say(progress, "opening the dataset");
	rc = reader_open(&r, &o, NULL, &t);
	if (!rc) {
		destination = destination_of(path, argv[optind + 2], &r, &t);
		rc = destination ? get_path(&r, progress, path, destination, &t) : t.code;
		reader_close(&r);
	}
	progress_end(progress);
	free(path);
	free(destination);
	reader_options_release(&o);
	return rc ? command_fail("get", &t) : EXIT_SUCCESS;
}
