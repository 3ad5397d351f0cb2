/* SPDX-License-Identifier: MIT */
/*
 * A fixed number of slots, each a waiter with up to WANTS_MAX chunks of one file. The
 * tool's thread fills a free slot, slot_ready() marks it done on an engine's worker, and
 * the tool's thread reaps it. Lock: prefetcher_mtx covers the states of the slots, and
 * whether it is over, and is a leaf: nothing else is taken under it. All else in a slot
 * that does not wait is the tool's.
 */
#include <config.h>

#include "cli/prefetcher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cache/file_map.h"
#include "cli/entry_text.h"
#include "util/clock.h"

#define SLOTS 32
#define RECENT_OBJECTS 64
#define AHEAD_BYTES (16u << 20)

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_DONE };

struct slot {
	struct waiter waiter; /* first: ready() gets the slot from it */
	struct prefetcher *prefetcher;
	enum slot_state state;
	uint64_t bytes;
	char *path; /* of the file asked for last; freed when the slot is filled again */
};

struct prefetcher {
	struct reader *reader;
	prefetcher_failed_fn failed;
	void *ctx;
	pthread_mutex_t prefetcher_mtx; /* slots[].state, over */
	pthread_cond_t prefetcher_cond; /* a slot became SLOT_DONE, or it is over */
	bool over;
	struct slot slots[SLOTS];
	struct object_id recent[RECENT_OBJECTS]; /* objects just asked for: bundles have
						 many files */
	unsigned recent_next;
	uint64_t present, fetched;
	atomic_uint_fast64_t found; /* bytes that were here before they were asked for */
	uint64_t delivered;	    /* by the engine, before this one */
};

static void slot_ready(struct waiter *waiter)
{
	struct slot *s = (struct slot *)waiter;
	struct prefetcher *p = s->prefetcher;

	pthread_mutex_lock(&p->prefetcher_mtx);
	s->state = SLOT_DONE;
	pthread_cond_signal(&p->prefetcher_cond);
	pthread_mutex_unlock(&p->prefetcher_mtx);
}

/* What arrives is for the cache: all slots together would hold hundreds of MiB of it. */
static const struct waiter slot_waiter = {.ready = slot_ready, .wants_kept = true};

int prefetcher_new(
	struct reader *r, prefetcher_failed_fn failed, void *ctx, struct prefetcher **out)
{
	struct prefetcher *p = calloc(1, sizeof *p);

	if (!p)
		return ERR_NO_MEMORY;
	p->reader = r;
	p->failed = failed;
	p->ctx = ctx;
	p->delivered = engine_delivered(r->engine);
	pthread_mutex_init(&p->prefetcher_mtx, NULL);
	pthread_cond_init(&p->prefetcher_cond, NULL);
	for (int i = 0; i < SLOTS; i++) {
		p->slots[i].prefetcher = p;
		p->slots[i].waiter = slot_waiter;
	}
	*out = p;
	return 0;
}

/* Takes the result of a finished slot and makes it free. */
static void slot_reap(struct prefetcher *p, struct slot *s)
{
	if (s->waiter.error)
		p->failed(p->ctx, s->path, s->waiter.unkept, &s->waiter.trouble);
	else {
		p->present += s->bytes;
		p->fetched += s->bytes;
	}
	waiter_release(&s->waiter);
	s->waiter = slot_waiter;
	s->state = SLOT_FREE;
}

static struct slot *slot_in_state(struct prefetcher *p, enum slot_state state)
{
	for (int i = 0; i < SLOTS; i++)
		if (p->slots[i].state == state)
			return &p->slots[i];
	return NULL;
}

static bool prefetcher_is_over(struct prefetcher *p)
{
	bool over;

	pthread_mutex_lock(&p->prefetcher_mtx);
	over = p->over;
	pthread_mutex_unlock(&p->prefetcher_mtx);
	return over;
}

/* Those that wait do so no longer; whose answer is just coming is SLOT_DONE by then. */
static void slots_forget(struct prefetcher *p)
{
	struct source *source = p->reader->dataset->source;
	struct slot *s;

	for (s = p->slots; s < p->slots + SLOTS; s++) {
		bool waiting;

		pthread_mutex_lock(&p->prefetcher_mtx);
		waiting = s->state == SLOT_WAITING;
		pthread_mutex_unlock(&p->prefetcher_mtx);
		if (!waiting || !source_forget(source, &s->waiter))
			continue;
		waiter_release(&s->waiter);
		s->waiter = slot_waiter;
		pthread_mutex_lock(&p->prefetcher_mtx);
		s->state = SLOT_FREE;
		pthread_mutex_unlock(&p->prefetcher_mtx);
	}
}

/* A free slot, or, with `drain`, NULL once no slot is waiting. */
static struct slot *slot_wait(struct prefetcher *p, bool drain)
{
	struct slot *done, *empty;
	bool forgot = false, forget;

	for (;;) {
		pthread_mutex_lock(&p->prefetcher_mtx);
		while (!(done = slot_in_state(p, SLOT_DONE)) &&
			slot_in_state(p, SLOT_WAITING) &&
			(drain || !slot_in_state(p, SLOT_FREE)) && (forgot || !p->over))
			pthread_cond_wait(&p->prefetcher_cond, &p->prefetcher_mtx);
		empty = slot_in_state(p, SLOT_FREE);
		forget = p->over && !forgot;
		pthread_mutex_unlock(&p->prefetcher_mtx);
		if (done)
			slot_reap(p, done);
		else if (forget)
			slots_forget(p);
		else
			return drain ? NULL : empty;
		forgot |= forget && !done;
	}
}

static bool seen_lately(struct prefetcher *p, const struct object_id *object)
{
	for (unsigned i = 0; i < RECENT_OBJECTS; i++)
		if (object_id_equal(&p->recent[i], object))
			return true;
	p->recent[p->recent_next++ % RECENT_OBJECTS] = *object;
	return false;
}

struct plan {
	const struct entry *entry;
	uint64_t from, to;    /* in the file */
	uint64_t offset, end; /* in the object */
	uint64_t present;
	struct want wants[WANTS_MAX];
	unsigned count;
};

/* The next missing chunks of the slice, up to WANTS_MAX; recipes come by ERR_PENDING. */
static int plan_step(struct attempt *a, void *arg)
{
	struct plan *plan = arg;
	struct want w;
	int rc;

	while (plan->offset < plan->end && plan->count < WANTS_MAX) {
		rc = attempt_chunk(a, &plan->entry->object, plan->offset, &w);
		if (rc)
			return rc;
		if (attempt_has(a, &w))
			plan->present += w.size;
		else
			plan->wants[plan->count++] = w;
		plan->offset = w.start + w.size;
	}
	return 0;
}

/* A failure is told to `failed` like any other, when the slot is reaped. */
static void prefetcher_submit(struct prefetcher *p, struct plan *plan)
{
	struct slot *s = slot_wait(p, false);
	int rc;

	s->bytes = 0;
	for (unsigned i = 0; i < plan->count; i++)
		s->bytes += plan->wants[i].size;
	free(s->path);
	s->path = entry_path_text(plan->entry);
	pthread_mutex_lock(&p->prefetcher_mtx);
	s->state = SLOT_WAITING;
	pthread_mutex_unlock(&p->prefetcher_mtx);
	rc = source_want(p->reader->dataset->source, plan->wants, plan->count,
		FETCH_PREFETCH, clock_monotonic() + p->reader->deadline_ns, &s->waiter);
	if (rc) { /* ready() will not run */
		s->waiter.error = rc;
		pthread_mutex_lock(&p->prefetcher_mtx);
		s->state = SLOT_DONE;
		pthread_mutex_unlock(&p->prefetcher_mtx);
	}
}

/* Where in the object the first data is that lies at or behind `offset` of the file, and
 * where in the file (at its end: none does). */
static int find_data(struct attempt *a, const struct entry *e, uint64_t offset,
	uint64_t *data, uint64_t *object_offset)
{
	struct piece piece;
	int rc = file_seek(a, e, offset, true, data);

	if (rc == ERR_ABSENT) {
		*data = e->size;
		*object_offset = e->offset + entry_data_size(e);
		return 0;
	}
	if (!rc)
		rc = file_map(a, e, *data, &piece);
	if (!rc)
		*object_offset = piece.object_offset;
	return rc;
}

/* Where in the object the data is of the part of the file. */
static int plan_part(struct attempt *a, void *arg)
{
	struct plan *plan = arg;
	uint64_t begin, end, data;
	int rc = find_data(a, plan->entry, plan->from, &data, &begin);

	if (rc || data >= plan->to) /* a hole */
		return rc;
	rc = find_data(a, plan->entry, plan->to, &data, &end);
	if (rc)
		return rc;
	plan->offset = begin;
	plan->end = end;
	return 0;
}

static int plan_lists_step(struct attempt *a, void *arg)
{
	struct plan *plan = arg;

	return file_map_bring(a, plan->entry, &plan->from, plan->to);
}

/* The lists of a file's runs, a few at a time: what was brought is in memory meanwhile. */
static int bring_lists(struct prefetcher *p, const struct plan *plan, struct trouble *t)
{
	struct plan lists = *plan;
	int rc = 0;

	while (!rc && lists.from < lists.to) {
		if (prefetcher_is_over(p))
			return trouble_set(t, ERR_INTERRUPTED, "it is over");
		rc = source_run(p->reader->dataset->source, plan_lists_step, &lists,
			p->reader->deadline_ns, FETCH_PREFETCH, t);
	}
	return rc;
}

static void plan_set(struct plan *plan, uint64_t offset, uint64_t size)
{
	uint64_t whole = plan->entry->size;

	plan->from = offset;
	plan->to = size < whole - offset ? offset + size : whole;
}

static bool shares_object(const struct entry *e)
{
	return e->offset != 0 || entry_data_size(e) != e->object.size;
}

int prefetcher_add(struct prefetcher *p, const struct entry *e, struct trouble *t)
{
	return prefetcher_add_part(p, e, 0, UINT64_MAX, t);
}

int prefetcher_add_part(struct prefetcher *p, const struct entry *e, uint64_t offset,
	uint64_t size, struct trouble *t)
{
	struct reader *r = p->reader;
	const struct object_id id = object_id_of(&e->object);
	struct plan plan = {.entry = e};
	int rc = 0;

	if (e->type != ENTRY_FILE || !e->has_content || offset >= e->size)
		return 0;
	plan_set(&plan, offset, size);
	rc = bring_lists(p, &plan, t);
	if (!rc && !shares_object(e))
		rc = source_run(r->dataset->source, plan_part, &plan, r->deadline_ns,
			FETCH_PREFETCH, t);
	else if (!rc && !seen_lately(p, &id))
		plan.end = e->object.size;
	while (!rc && plan.offset < plan.end) {
		if (prefetcher_is_over(p))
			return trouble_set(t, ERR_INTERRUPTED, "it is over");
		plan.count = 0;
		plan.present = 0;
		rc = source_run(r->dataset->source, plan_step, &plan, r->deadline_ns,
			FETCH_PREFETCH, t);
		p->present += plan.present;
		atomic_fetch_add(&p->found, plan.present);
		if (!rc && plan.count)
			prefetcher_submit(p, &plan);
	}
	return rc;
}

void prefetcher_stop(struct prefetcher *p)
{
	pthread_mutex_lock(&p->prefetcher_mtx);
	p->over = true;
	pthread_cond_signal(&p->prefetcher_cond);
	pthread_mutex_unlock(&p->prefetcher_mtx);
}

static int plan_lists_and_part(struct attempt *a, void *arg)
{
	struct plan lists = *(struct plan *)arg;
	int rc = 0;

	while (!rc && lists.from < lists.to)
		rc = plan_lists_step(a, &lists);
	return rc ? rc : plan_part(a, arg);
}

/* One attempt on what is here. */
static int plan_here(struct reader *r, attempt_fn step, struct plan *plan)
{
	struct attempt a;
	int rc = attempt_begin(&a, r->cache, NULL);

	if (rc)
		return rc;
	plan->count = 0;
	rc = step(&a, plan);
	attempt_end(&a);
	return rc;
}

int prefetcher_lacks(struct reader *r, const struct entry *e, uint64_t offset,
	uint64_t size, uint64_t *bytes)
{
	struct plan plan = {.entry = e};
	uint64_t missing = 0;
	int rc = 0;

	if (e->type == ENTRY_FILE && e->has_content && offset < e->size) {
		plan_set(&plan, offset, size);
		rc = plan_here(r, plan_lists_and_part, &plan);
		if (rc == ERR_PENDING) /* no list, no telling */
			plan.end = entry_data_size(e);
	}
	while (!rc && plan.offset < plan.end) {
		rc = plan_here(r, plan_step, &plan);
		for (unsigned i = 0; i < plan.count; i++)
			missing += plan.wants[i].size;
	}
	if (rc == ERR_PENDING) { /* a recipe: nothing behind it is known to be here */
		missing += plan.end - plan.offset;
		rc = 0;
	}
	if (!rc)
		*bytes = missing;
	return rc;
}

void prefetcher_finish(struct prefetcher *p)
{
	slot_wait(p, true);
}

void prefetcher_free(struct prefetcher *p)
{
	if (!p)
		return;
	prefetcher_finish(p);
	for (int i = 0; i < SLOTS; i++)
		free(p->slots[i].path);
	pthread_cond_destroy(&p->prefetcher_cond);
	pthread_mutex_destroy(&p->prefetcher_mtx);
	free(p);
}

void prefetcher_count(struct prefetcher *p, uint64_t *present, uint64_t *fetched)
{
	*present = p->present;
	*fetched = p->fetched;
}

uint64_t prefetcher_ready(const struct prefetcher *p)
{
	uint64_t delivered = engine_delivered(p->reader->engine);

	delivered = delivered > p->delivered ? delivered - p->delivered : 0;
	return atomic_load(&p->found) + delivered;
}

static int plan_ahead(struct attempt *a, void *arg)
{
	struct plan *plan = arg;
	uint64_t size = plan->entry->object.size;
	struct piece piece;
	int rc = file_map(a, plan->entry, plan->from, &piece);

	if (rc || piece.hole)
		return rc;
	plan->offset = piece.object_offset;
	plan->end = plan->offset + AHEAD_BYTES < size ? plan->offset + AHEAD_BYTES : size;
	return plan_step(a, plan);
}

void prefetcher_ahead(struct reader *r, const struct entry *e, uint64_t offset)
{
	struct plan plan = {.entry = e, .from = offset};

	if (!e->has_content || offset >= e->size)
		return;
	plan_here(r, plan_ahead, &plan);
	if (plan.count)
		source_hint(r->dataset->source, plan.wants, plan.count, FETCH_READAHEAD);
}
