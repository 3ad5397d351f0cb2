/* SPDX-License-Identifier: MIT */
/*
 * A fixed number of slots, each a waiter with up to WANTS_MAX chunks of one file. The
 * tool's thread fills a free slot; ready() gives it back. Lock: mtx covers the slots'
 * states and is a leaf: nothing else is taken under it.
 */
#include <config.h>

#include "cli/prefetcher.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/entry_text.h"
#include "util/clock.h"

#define SLOTS 32
#define RECENT_OBJECTS 64
#define AHEAD_BYTES (16u << 20)

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_DONE };

struct slot {
	struct waiter waiter; /* first: ready() gets the slot from it */
	struct prefetcher *gather;
	enum slot_state state;
	uint64_t bytes;
	char *path;
};

struct prefetcher {
	struct reader *reader;
	gather_failed_fn failed;
	void *ctx;
	pthread_mutex_t mtx;
	pthread_cond_t cond; /* a slot became SLOT_DONE */
	struct slot slots[SLOTS];
	struct digest recent[RECENT_OBJECTS]; /* objects just asked for: bundles have many
						 files */
	unsigned recent_next;
	uint64_t present, fetched;
};

static void slot_ready(struct waiter *waiter)
{
	struct slot *s = (struct slot *)waiter;
	struct prefetcher *g = s->gather;

	pthread_mutex_lock(&g->mtx);
	s->state = SLOT_DONE;
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->mtx);
}

/* What arrives is for the cache: all slots together would hold hundreds of MiB of it. */
static const struct waiter slot_ticket = {.ready = slot_ready, .discards = true};

int prefetcher_new(
	struct reader *r, gather_failed_fn failed, void *ctx, struct prefetcher **out)
{
	struct prefetcher *g = calloc(1, sizeof *g);

	if (!g)
		return ERR_NO_MEMORY;
	g->reader = r;
	g->failed = failed;
	g->ctx = ctx;
	pthread_mutex_init(&g->mtx, NULL);
	pthread_cond_init(&g->cond, NULL);
	for (int i = 0; i < SLOTS; i++) {
		g->slots[i].gather = g;
		g->slots[i].waiter = slot_ticket;
	}
	*out = g;
	return 0;
}

/* Takes the result of a finished slot and makes it free. */
static void slot_settle(struct prefetcher *g, struct slot *s)
{
	if (s->waiter.error)
		g->failed(g->ctx, s->path, &s->waiter.trouble);
	else {
		g->present += s->bytes;
		g->fetched += s->bytes;
	}
	waiter_release(&s->waiter);
	s->waiter = slot_ticket;
	free(s->path);
	s->path = NULL;
	s->state = SLOT_FREE;
}

/* A free slot, or, with `drain`, NULL once no slot is waiting. */
static struct slot *slot_wait(struct prefetcher *g, bool drain)
{
	for (;;) {
		struct slot *done = NULL, *empty = NULL;
		bool waiting = false;

		pthread_mutex_lock(&g->mtx);
		for (;;) {
			for (int i = 0; i < SLOTS; i++) {
				struct slot *s = &g->slots[i];

				done = s->state == SLOT_DONE ? s : done;
				empty = s->state == SLOT_FREE ? s : empty;
				waiting |= s->state == SLOT_WAITING;
			}
			if (done || !waiting || (empty && !drain))
				break;
			pthread_cond_wait(&g->cond, &g->mtx);
			waiting = false;
		}
		pthread_mutex_unlock(&g->mtx);
		if (done)
			slot_settle(g, done);
		else
			return drain ? NULL : empty;
	}
}

static bool seen_lately(struct prefetcher *g, const struct digest *object)
{
	for (unsigned i = 0; i < RECENT_OBJECTS; i++)
		if (digest_equal(&g->recent[i], object))
			return true;
	g->recent[g->recent_next++ % RECENT_OBJECTS] = *object;
	return false;
}

struct plan {
	const struct entry *entry;
	uint64_t offset, end; /* in the object */
	uint64_t present;
	struct want wants[WANTS_MAX];
	unsigned count;
};

/* The next missing chunks of the slice, up to WANTS_MAX; recipes come by ERR_PENDING. */
static int plan_step(struct attempt *a, void *arg)
{
	struct plan *p = arg;
	struct want w;
	int rc;

	while (p->offset < p->end && p->count < WANTS_MAX) {
		rc = attempt_chunk(a, &p->entry->object, p->offset, &w);
		if (rc)
			return rc;
		if (attempt_has(a, &w))
			p->present += w.size;
		else
			p->wants[p->count++] = w;
		p->offset = w.start + w.size;
	}
	return 0;
}

/* A failure is told to `failed` like any other, when the slot is settled. */
static int prefetcher_submit(struct prefetcher *g, struct plan *p)
{
	struct slot *s = slot_wait(g, false);
	int rc;

	s->bytes = 0;
	for (unsigned i = 0; i < p->count; i++)
		s->bytes += p->wants[i].size;
	s->path = entry_path_text(p->entry);
	pthread_mutex_lock(&g->mtx);
	s->state = SLOT_WAITING;
	pthread_mutex_unlock(&g->mtx);
	rc = source_want(g->reader->dataset->source, p->wants, p->count, FETCH_PREFETCH,
		clock_monotonic() + g->reader->deadline_ns, &s->waiter);
	if (rc) { /* ready() will not run */
		s->waiter.error = rc;
		pthread_mutex_lock(&g->mtx);
		s->state = SLOT_DONE;
		pthread_mutex_unlock(&g->mtx);
	}
	return 0;
}

int prefetcher_add(struct prefetcher *g, const struct entry *e, struct trouble *t)
{
	struct reader *r = g->reader;
	struct plan p = {.entry = e};
	int rc = 0;

	if (e->type != ENTRY_FILE || !e->has_content)
		return 0;
	if (e->offset == 0 && entry_data_size(e) == e->object.size)
		p.end = e->object.size; /* a large file: never seen twice in a row */
	else if (!seen_lately(g, &e->object.digest))
		p.end = e->object.size;
	while (!rc && p.offset < p.end) {
		p.count = 0;
		rc = source_run(r->dataset->source, plan_step, &p, r->deadline_ns,
			FETCH_PREFETCH, t);
		if (!rc && p.count)
			rc = prefetcher_submit(g, &p);
	}
	g->present += p.present;
	return rc;
}

void prefetcher_finish(struct prefetcher *g)
{
	slot_wait(g, true);
}

void prefetcher_free(struct prefetcher *g)
{
	if (!g)
		return;
	prefetcher_finish(g);
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->mtx);
	free(g);
}

void prefetcher_count(struct prefetcher *g, uint64_t *present, uint64_t *fetched)
{
	*present = g->present;
	*fetched = g->fetched;
}

void prefetcher_ahead(struct reader *r, const struct entry *e, uint64_t offset)
{
	struct plan p = {.entry = e};
	struct attempt a;
	struct piece piece;

	if (!e->has_content || offset >= e->size)
		return;
	piece = entry_map(e, offset);
	if (piece.hole)
		return;
	p.offset = piece.object_offset;
	p.end = p.offset + AHEAD_BYTES < e->object.size ? p.offset + AHEAD_BYTES
							: e->object.size;
	if (attempt_begin(&a, r->cache, NULL))
		return;
	plan_step(&a, &p);
	attempt_end(&a);
	if (p.count)
		source_hint(r->dataset->source, p.wants, p.count, FETCH_READAHEAD);
}
