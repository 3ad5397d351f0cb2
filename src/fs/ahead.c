/* SPDX-License-Identifier: MIT */
#include "fs/ahead.h"

#include "fs/filesystem.h"
#include "fs/request_try.h"
#include "cache/attempt_pages.h"

#define SLACK (UINT64_C(256) << 10) /* two of the kernel's readahead requests */
#define FIRST_WINDOW (UINT64_C(1) << 20)
#define GRAIN (UINT64_C(512) << 10)	    /* a chunk's mean */
#define ENTRIES_AHEAD (4 * NEIGHBOURS_STEP) /* looked through for objects */
#define LEAVES_AHEAD 2

/* What an attempt found to be missing of the run that is left. */
struct gather {
	struct want wants[HINTS_MAX];
	unsigned count;
};

/* The chunks of one piece of data, up to `end` of the object. */
static int gather_piece(struct attempt *a, const struct object_ref *object, uint64_t at,
	uint64_t end, struct gather *g, uint64_t *reached)
{
	struct want chunk;
	int err = 0;

	while (at < end && g->count < HINTS_MAX) {
		err = attempt_chunk(a, object, at, &chunk);
		if (err)
			break;
		if (!attempt_has(a, &chunk))
			g->wants[g->count++] = chunk;
		at = chunk.start + chunk.size;
	}
	*reached = at < end ? at : end;
	return err;
}

/* Takes off `run` what it has looked at. */
static int gather_run(
	struct attempt *a, const struct entry *e, struct run *run, struct gather *g)
{
	uint64_t reached;
	int err = 0;

	while (!err && run->size && run->start < e->size && g->count < HINTS_MAX) {
		struct piece piece = entry_map(e, run->start);
		uint64_t size = piece.size < run->size ? piece.size : run->size;

		if (!piece.hole) {
			err = gather_piece(a, &e->object, piece.object_offset,
				piece.object_offset + size, g, &reached);
			size = reached - piece.object_offset;
		}
		run->start += size;
		run->size -= size;
	}
	if (run->start >= e->size)
		run->size = 0;
	return err;
}

static void gather_wants(struct gather *g, const struct attempt *a)
{
	for (unsigned i = 0; i < a->want_count && g->count < HINTS_MAX; i++)
		g->wants[g->count++] = a->wants[i];
}

static void hint(struct request *r, struct gather *g)
{
	if (g->count)
		source_hint(r->fs->source, g->wants, g->count, FETCH_READAHEAD);
	g->count = 0;
}

/* Goes on to the next run of the plan; false at its end or past the end of the file. */
static bool next_run(struct plan *plan, struct run *run, uint64_t size)
{
	if (--plan->times == 0)
		return false;
	plan->run.start += plan->stride;
	*run = plan->run;
	return run->start < size;
}

/* One attempt, as much as goes into one list of hints: 0 when there may be more. What a
 * missing recipe asks for is hinted too, and ends it. */
static int gather(struct request *r, struct plan *plan, struct run *run, struct gather *g)
{
	struct page_source pages;
	struct digest root;
	struct attempt a;
	struct entry e;
	int err;

	err = attempt_begin(&a, r->fs->cache, NULL);
	if (err)
		return err;
	pages = attempt_pages(&a);
	root = filesystem_root(r->fs);
	err = node_entry(&r->node, &pages, &root, &e);
	while (!err && g->count < HINTS_MAX) {
		err = gather_run(&a, &e, run, g);
		if (!err && !run->size && !next_run(plan, run, e.size))
			err = ERR_ABSENT;
	}
	if (err == ERR_PENDING)
		gather_wants(g, &a);
	attempt_end(&a);
	return err;
}

static void fetch_stream(struct request *r)
{
	struct readahead_limits limits = {
		.slack = SLACK,
		.first = FIRST_WINDOW < r->fs->readahead ? FIRST_WINDOW : r->fs->readahead,
		.most = r->fs->readahead,
		.grain = GRAIN,
	};
	struct plan plan = readahead_table_note(
		&r->fs->readahead_table, r->node.id, &limits, r->offset, r->size);
	struct run run = plan.run;
	struct gather g = {.count = 0};
	int err = run.size ? 0 : ERR_ABSENT;

	while (!err) {
		err = gather(r, &plan, &run, &g);
		hint(r, &g);
	}
}

/* ---- the objects behind the one at hand ---- */

/* The walk over the entries behind a file. */
struct search {
	struct attempt *attempt;
	struct gather *gather;
	struct digest last;	   /* object */
	unsigned objects, entries; /* that are left */
};

/* What a request of its own would be needed for: a bundle, or how a larger file begins. */
static bool is_worth_it(const struct entry *e)
{
	return e->has_content && e->object.form != OBJECT_RECIPE;
}

/* Returns 1 when that was enough. */
static int search_each(void *ctx, const struct place *place, const struct entry *e)
{
	struct search *s = ctx;
	struct want chunk;

	(void)place;
	if (is_worth_it(e) && !digest_equal(&e->object.digest, &s->last)) {
		s->last = e->object.digest;
		s->objects--;
		if (attempt_chunk(s->attempt, &e->object, e->offset, &chunk))
			return 1;
		if (!attempt_has(s->attempt, &chunk))
			s->gather->wants[s->gather->count++] = chunk;
	}
	return s->objects == 0 || --s->entries == 0;
}

static bool is_known(struct filesystem *fs, const struct digest *object)
{
	bool known;

	pthread_mutex_lock(&fs->readahead_lock);
	known = neighbours_know(&fs->neighbours, object);
	pthread_mutex_unlock(&fs->readahead_lock);
	return known;
}

static unsigned objects_ahead(
	struct filesystem *fs, const struct digest *object, uint64_t rank)
{
	unsigned n;

	pthread_mutex_lock(&fs->readahead_lock);
	n = neighbours_note(&fs->neighbours, object, rank);
	pthread_mutex_unlock(&fs->readahead_lock);
	return n;
}

static void search(
	struct filesystem *fs, struct attempt *a, const struct entry *e, struct gather *g)
{
	struct page_source pages = attempt_pages(a);
	struct digest root = filesystem_root(fs);
	struct search s = {.attempt = a, .gather = g, .last = e->object.digest};
	struct place place;
	struct entry self;

	if (tree_find(&pages, &root, e->parent, e->name, &place, &self) == 0)
		s.objects = objects_ahead(fs, &e->object.digest, place.rank);
	s.entries = ENTRIES_AHEAD;
	/* What it cannot do without is a hint like what it finds. */
	if (s.objects)
		(void)tree_walk(&pages, &root, place.rank, LEAVES_AHEAD, search_each, &s);
	gather_wants(g, a);
}

/* A bundle has some hundred files, so mostly its object is known already. */
static void fetch_neighbours(struct request *r)
{
	struct gather g = {.count = 0};
	struct page_source pages;
	struct digest root;
	struct attempt a;
	struct entry e;

	if (is_known(r->fs, &r->file.object) || attempt_begin(&a, r->fs->cache, NULL))
		return;
	pages = attempt_pages(&a);
	root = filesystem_root(r->fs);
	if (node_entry(&r->node, &pages, &root, &e) == 0)
		search(r->fs, &a, &e, &g);
	attempt_end(&a);
	hint(r, &g);
}

void ahead_see(struct request *r, const struct entry *e)
{
	r->file = (struct request_file){
		.seen = true, .has_neighbours = is_worth_it(e), .size = e->size};
	if (r->file.has_neighbours)
		r->file.object = e->object.digest;
}

void ahead_fetch(struct request *r)
{
	bool begin = r->offset == 0;

	if (begin && r->file.has_neighbours)
		fetch_neighbours(r);
	/* A file that is read whole by one request has nothing more, and must not take the
	 * place of one that has. */
	if (!begin || !r->file.seen || r->size < r->file.size)
		fetch_stream(r);
}
