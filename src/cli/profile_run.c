/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/profile_run.h"

#include <stdlib.h>
#include <string.h>

#include "cache/attempt_pages.h"

#define WINDOW 128	/* reads whose files are looked for together */
#define DIRECTORIES 256 /* that are remembered as asked for */
#define LEAVES_MAX 16	/* of a directory */

enum window_state { WINDOW_UNKNOWN, WINDOW_FOUND, WINDOW_ABSENT };

struct window {
	struct profile_run *run;
	size_t first, count; /* reads of the profile */
	enum window_state states[WINDOW];
	struct entry_copy found[WINDOW];
	struct digest directories[DIRECTORIES]; /* of their paths */
	unsigned directory_next;
};

static int window_find_one(struct window *w, const struct page_source *pages, size_t i)
{
	struct profile_read read = profile_read_at(w->run->profile, w->first + i);
	const struct digest *root = &w->run->reader->dataset->manifest->root;
	struct place place;
	struct entry entry;
	int rc = tree_find_path(pages, root, read.path, &place, &entry);

	if (rc == ERR_ABSENT || (!rc && entry.type != ENTRY_FILE)) {
		w->states[i] = WINDOW_ABSENT;
		return 0;
	}
	if (!rc)
		rc = entry_copy(&entry, &w->found[i]);
	if (!rc)
		w->states[i] = WINDOW_FOUND;
	return rc;
}

/* Those whose pages are here. The others are looked for again once more of them are, as
 * many at a time as a request may wait for. */
static int window_find(struct attempt *a, void *arg)
{
	struct window *w = arg;
	struct page_source pages = attempt_pages(a);
	int rc = 0;

	for (size_t i = 0; i < w->count && a->want_count < WANTS_MAX; i++) {
		int one = w->states[i] ? 0 : window_find_one(w, &pages, i);

		if (one && one != ERR_PENDING)
			return one;
		rc = rc ? rc : one;
	}
	return rc;
}

static bool window_knows(struct window *w, struct span directory)
{
	struct digest d = digest_of(directory.data, directory.size);

	for (unsigned i = 0; i < DIRECTORIES; i++)
		if (digest_equal(&w->directories[i], &d))
			return true;
	w->directories[w->directory_next++ % DIRECTORIES] = d;
	return false;
}

/* The leaves of what is in the directory, as far as the pages above them are here. */
static void directory_hint(struct window *w, struct span directory)
{
	struct reader *r = w->run->reader;
	const struct digest *root = &r->dataset->manifest->root;
	struct page_source pages;
	uint64_t first, end;
	struct attempt a;

	if (attempt_begin(&a, r->cache, NULL))
		return;
	pages = attempt_pages(&a);
	if (tree_children(&pages, root, directory, &first, &end) == 0)
		(void)tree_hint(&pages, root, first, end, LEAVES_MAX);
	attempt_end(&a);
	if (a.want_count)
		source_hint(r->dataset->source, a.wants, a.want_count, FETCH_PREFETCH);
}

/* The directory of a file, and those above it, up to one that was asked for before. */
static void window_hint(struct window *w, struct span path)
{
	struct span name;

	do {
		path_split(path, &path, &name);
		if (window_knows(w, path))
			return;
		directory_hint(w, path);
	} while (path.size);
}

static int window_give(struct window *w, size_t i, struct trouble *t)
{
	struct profile_read read = profile_read_at(w->run->profile, w->first + i);
	const struct entry *e = &w->found[i].entry;

	if (w->states[i] == WINDOW_ABSENT) {
		w->run->absent++;
		return 0;
	}
	if (read.offset >= e->size)
		return 0;
	if (read.size > e->size - read.offset)
		read.size = e->size - read.offset;
	return w->run->each(w->run->ctx, e, read.offset, read.size, t);
}

static int window_run(struct window *w, struct trouble *t)
{
	struct reader *r = w->run->reader;
	int rc;

	memset(w->states, 0, sizeof w->states);
	rc = source_run(
		r->dataset->source, window_find, w, r->deadline_ns, FETCH_PREFETCH, t);
	for (size_t i = 0; i < w->count && !rc; i++)
		window_hint(w, profile_read_at(w->run->profile, w->first + i).path);
	for (size_t i = 0; i < w->count; i++) {
		if (!rc)
			rc = window_give(w, i, t);
		entry_copy_release(&w->found[i]);
	}
	return rc;
}

int profile_run(struct profile_run *r, struct trouble *t)
{
	struct window *w = calloc(1, sizeof *w);
	size_t count = profile_reads(r->profile);
	int rc = 0;

	r->absent = 0;
	if (!w)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	w->run = r;
	for (w->first = 0; w->first < count && !rc; w->first += w->count) {
		w->count = count - w->first < WINDOW ? count - w->first : WINDOW;
		rc = window_run(w, t);
	}
	free(w);
	return rc;
}
