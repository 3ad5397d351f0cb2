/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/ahead_objects.h"

#include "cache/attempt_pages.h"
#include "fs/filesystem.h"
#include "fs/hints.h"
#include "fs/node.h"
#include "fs/request.h"

#define ENTRIES_AHEAD (4 * NEIGHBOURS_STEP) /* looked through for objects */
#define LEAVES_AHEAD 2

/* The walk over the entries behind a file. */
struct search {
	struct attempt *attempt;
	struct hints *hints;
	struct digest last;	   /* object */
	unsigned objects, entries; /* that are left */
};

bool ahead_objects_worth(const struct entry *e)
{
	return e->has_content && e->object.form != OBJECT_RECIPE;
}

/* Returns 1 when that was enough. */
static int search_each(void *ctx, const struct place *place, const struct entry *e)
{
	struct search *s = ctx;
	struct want chunk;

	(void)place;
	if (ahead_objects_worth(e) && !digest_equal(&e->object.digest, &s->last)) {
		s->last = e->object.digest;
		s->objects--;
		if (attempt_chunk(s->attempt, &e->object, e->offset, &chunk))
			return 1;
		if (!attempt_has(s->attempt, &chunk))
			hints_add(s->hints, &chunk);
	}
	return s->objects == 0 || --s->entries == 0;
}

static bool is_known(struct filesystem *fs, const struct digest *object)
{
	bool known;

	pthread_mutex_lock(&fs->readahead_mtx);
	known = neighbours_know(&fs->neighbours, object);
	pthread_mutex_unlock(&fs->readahead_mtx);
	return known;
}

static unsigned objects_ahead(
	struct filesystem *fs, const struct digest *object, uint64_t rank)
{
	unsigned n;

	pthread_mutex_lock(&fs->readahead_mtx);
	n = neighbours_note(&fs->neighbours, object, rank);
	pthread_mutex_unlock(&fs->readahead_mtx);
	return n;
}

static void search(struct filesystem *fs, struct attempt *a, const struct digest *root,
	const struct entry *e, struct hints *h)
{
	struct page_source pages = attempt_pages(a);
	struct search s = {.attempt = a, .hints = h, .last = e->object.digest};
	struct place place;
	struct entry self;

	if (tree_find(&pages, root, e->parent, e->name, &place, &self) == 0)
		s.objects = objects_ahead(fs, &e->object.digest, place.rank);
	s.entries = ENTRIES_AHEAD;
	/* What it cannot do without is a hint like what it finds. */
	if (s.objects)
		(void)tree_walk(&pages, root, place.rank, LEAVES_AHEAD, search_each, &s);
	hints_add_missing(h, a);
}

void ahead_objects_fetch(struct request *r)
{
	struct hints h = {.count = 0};
	struct page_source pages;
	struct digest root;
	struct attempt a;
	struct entry e;

	if (is_known(r->fs, &r->file.object) || attempt_begin(&a, r->fs->cache, NULL))
		return;
	pages = attempt_pages(&a);
	root = filesystem_root_of(r->fs, &r->node);
	if (node_entry(&r->node, &pages, &root, &e) == 0)
		search(r->fs, &a, &root, &e, &h);
	attempt_end(&a);
	hints_send(&h, r->fs->source);
}
