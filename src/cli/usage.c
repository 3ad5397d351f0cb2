/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/attempt_pages.h"

struct usage_walk {
	struct reader *reader;
	const struct usage_options *options;
	usage_fn each;
	void *ctx;
	struct trouble *trouble;
};

/* A directory by the ranks of what is in it: its own names are [first, own_end), then come
 * those of the directories in it, one after another. */
struct usage_run {
	const struct digest *root;
	struct span path;
	uint64_t first, own_end, end, bytes;
};

static int usage_run_step(struct attempt *a, void *arg)
{
	struct usage_run *run = arg;
	struct page_source pages = attempt_pages(a);
	/* Both are tried, so that both may ask for their pages at once. */
	int rc = tree_subtree(&pages, run->root, run->path, &run->first, &run->end);
	int own_rc = tree_children(
		&pages, run->root, run->path, &run->first, &run->own_end);

	if (!rc)
		rc = own_rc;
	return rc ? rc : tree_bytes(&pages, run->root, run->first, run->end, &run->bytes);
}

/* Which directory within `path` the entry at that rank is in. */
struct usage_next {
	const struct digest *root;
	const char *path;
	uint64_t rank;
	char *name; /* its path; heap */
};

static int usage_next_step(struct attempt *a, void *arg)
{
	struct usage_next *next = arg;
	struct page_source pages = attempt_pages(a);
	size_t n = strlen(next->path), skip = n ? n + 1 : 0;
	const uint8_t *slash;
	struct place place;
	struct entry e;
	int rc = tree_at(&pages, next->root, next->rank, 0, &place, &e);

	if (rc)
		return rc;
	if (e.parent.size <= skip || memcmp(e.parent.data, next->path, n) != 0)
		return ERR_CORRUPT;
	slash = memchr(e.parent.data + skip, '/', e.parent.size - skip);
	if (slash)
		e.parent.size = (size_t)(slash - e.parent.data);
	free(next->name);
	next->name = span_to_string(e.parent);
	return next->name ? 0 : ERR_NO_MEMORY;
}

struct usage_sum {
	struct cache *cache;
	uint64_t bytes;
};

static int usage_add_resident(
	void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct usage_sum *sum = ctx;
	uint64_t bytes = 0;
	struct attempt a;
	int rc;

	(void)rank;
	if (e->type != ENTRY_FILE)
		return 0;
	rc = attempt_begin(&a, sum->cache, NULL);
	if (!rc) {
		rc = attempt_resident(&a, e, &bytes);
		attempt_end(&a);
	}
	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	sum->bytes = page_bytes_add(sum->bytes, bytes);
	return 0;
}

/* Of the entries at those ranks, if it was asked for. */
static int usage_resident(
	struct usage_walk *w, uint64_t first, uint64_t end, uint64_t *resident)
{
	struct usage_sum sum = {.cache = w->reader->cache};
	int rc;

	if (!w->options->resident)
		return 0;
	rc = reader_walk(w->reader, first, end, usage_add_resident, &sum, w->trouble);
	if (!rc)
		*resident = page_bytes_add(*resident, sum.bytes);
	return rc;
}

static int usage_directory(struct usage_walk *w, const char *path, unsigned depth,
	struct usage *out, uint64_t *end);

/* Those within the run, one after another: what lies right in `path` is not looked at. */
static int usage_directories(struct usage_walk *w, const struct usage_run *run,
	const char *path, unsigned depth, struct usage *out)
{
	struct usage_next next = {run->root, path, run->own_end, NULL};
	int rc = 0;

	while (!rc && next.rank < run->end) {
		struct usage below = {0};
		uint64_t end;

		rc = reader_run(w->reader, usage_next_step, &next, w->trouble);
		if (!rc)
			rc = usage_directory(w, next.name, depth, &below, &end);
		if (!rc && (end <= next.rank || end > run->end))
			rc = trouble_set(w->trouble, ERR_CORRUPT,
				"the pages of '%s' are not in order", path);
		next.rank = rc ? next.rank : end;
		out->resident = page_bytes_add(out->resident, below.resident);
	}
	free(next.name);
	return rc;
}

static int usage_directory(struct usage_walk *w, const char *path, unsigned depth,
	struct usage *out, uint64_t *end)
{
	struct usage_run run = {
		&w->reader->dataset->manifest->root, span_of_string(path), .first = 0};
	int rc = reader_run(w->reader, usage_run_step, &run, w->trouble);

	if (rc)
		return rc;
	out->entries = 1 + run.end - run.first;
	out->bytes = run.bytes;
	rc = usage_resident(w, run.first, depth ? run.own_end : run.end, &out->resident);
	if (!rc && depth)
		rc = usage_directories(w, &run, path, depth - 1, out);
	*end = run.end;
	return rc ? rc : w->each(w->ctx, path, out);
}

int usage_each(struct reader *r, const char *path, const struct entry *e,
	const struct usage_options *options, usage_fn each, void *ctx, struct trouble *t)
{
	struct usage_walk w = {r, options, each, ctx, t};
	struct usage_sum sum = {.cache = r->cache};
	struct usage u = {.entries = 1};
	uint64_t end;
	int rc = 0;

	if (e->type == ENTRY_DIRECTORY)
		return usage_directory(&w, path, options->depth, &u, &end);
	u.bytes = e->type == ENTRY_FILE ? e->size : 0;
	if (options->resident)
		rc = usage_add_resident(&sum, e, 0, t);
	u.resident = sum.bytes;
	return rc ? rc : each(ctx, path, &u);
}
