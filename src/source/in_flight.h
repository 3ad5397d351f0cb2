/* SPDX-License-Identifier: MIT */
/*
 * A flight: one blob on its way. It is looked for in the cache, copied there from another
 * place, or fetched; opened (parcel.h), stored, and handed to all who wait:
 *
 *            worker            fetcher         worker
 *   board -> LOCAL ----------> FETCHING -----> DECODING ---> landed
 *              |                  ^             |     ^
 *              +-> landed         +- wrong bytes+     |
 *                                               +--> BASE (another flight's landing)
 *
 * A flight belongs to its stage: in FETCHING to the fetcher, in LOCAL and DECODING to the
 * one worker that has its job, in BASE to the flight that it depends on. Whoever wants
 * the same blob meanwhile joins under the lock; the last to leave cancels the fetch.
 *
 * Lock order: source_mtx, then those inside of workers, fetcher, mirrors. It is not held
 * across disk I/O, decoding, or ready(). The fetcher calls back without its lock.
 */
#ifndef CAIRN_SOURCE_IN_FLIGHT_H
#define CAIRN_SOURCE_IN_FLIGHT_H

#include <pthread.h>

#include "source/engine.h"
#include "source/waiter.h"

enum in_flight_stage {
	IN_FLIGHT_LOCAL,
	IN_FLIGHT_FETCHING,
	IN_FLIGHT_DECODING,
	IN_FLIGHT_BASE
};

struct in_flight {
	struct source *source;
	/* Its key, constant. `size` 0: the base of a delta, kept in memory only. */
	enum blob_kind kind;
	struct digest digest;
	uint64_t size;
	bool hinted; /* constant: begun by a hint, goes on for nobody */

	/* source_mtx: */
	struct in_flight *next; /* in its bucket */
	enum in_flight_stage stage;
	enum fetch_priority priority;
	int64_t deadline; /* the earliest of those who wait */
	bool cancelled;	  /* the fetch was, since all had left */
	struct waiter_blob *waits;
	struct in_flight *dependents; /* deltas whose base this is */
	struct in_flight *next_dependent;
	struct in_flight *base; /* BASE: the flight it depends on */
	struct want *places;	/* distinct, where a chunk belongs; a page's one */
	unsigned place_count, place_capacity;

	/* Whose stage it is: */
	struct job job;
	struct fetch fetch;
	bool charged;	/* the fetcher waits for fetcher_release */
	uint64_t avoid; /* mirrors that sent wrong bytes */
	unsigned wrong; /* how many did */
	bool last_try;	/* with all caches on the way told to revalidate */
	struct blob_buffer *base_content;
	struct blob_buffer *content;
	int error;
	struct trouble trouble;
};

#define SOURCE_BUCKETS 1024 /* a power of two; flights are some hundreds at most */

/* What source.c, flight.c and waiter.c share. */
struct source {
	struct engine *engine;
	struct mirrors *mirrors;
	bool offline; /* constant once there are flights */

	pthread_mutex_t source_mtx; /* the fields below, and those of flights and lines */
	pthread_cond_t source_cond; /* a flight has landed, a ready() has ended */
	struct in_flight *buckets[SOURCE_BUCKETS];
	unsigned in_flight_count; /* alive, in the table or just out of it */
	unsigned hints;		  /* of them, begun by source_hint */
	struct waiter_run *running;
	bool stopping;
};

/* For source.c and waiter.c. Called locked. */

/* Joins the flight of `want` or begins one, and raises it. `wait` NULL: a hint.
 * ERR_NO_MEMORY. */
int in_flight_join(struct source *s, const struct want *want, enum fetch_priority priority,
	int64_t deadline, struct waiter_blob *wait);
/* Is it under way? */
bool in_flight_exists(struct source *s, const struct want *want);
/* The wait ends; a fetch for nobody is cancelled. */
void in_flight_leave(struct waiter_blob *wait);
/* s->stopping being set: ends what the fetcher has. */
void in_flight_cancel_all(struct source *s);

/* For course.c. */

/* Is it the base of a delta, for memory only? It has no places. */
bool in_flight_is_base(const struct in_flight *f);
/* Called locked: does anybody still want it? */
bool in_flight_is_needed(const struct in_flight *f);
/* Called locked: its next step is for a worker. */
void in_flight_queue(struct in_flight *f, void (*run)(struct job *job));
/* Called locked: `delta` waits for the flight of its base, and is not its worker's any
 * more. ERR_NO_MEMORY: still is. */
int in_flight_join_base(struct in_flight *delta, const struct digest *digest);
/* Gives back the fetch's share of the memory budget, if it has one. */
void in_flight_release_budget(struct in_flight *f);
/* Called locked, unlocks: hands f->content (NULL: it is in the cache) or f->error to all
 * who wait, and ends the flight. */
void in_flight_finish(struct in_flight *f);
/* The same, not called locked; false, and nothing done, when somebody has joined with a
 * place beyond the first `seen`. */
bool in_flight_try_finish(struct in_flight *f, unsigned seen);
/* f->error being set: hands it to those whose deadline has passed. True when others are
 * left: the error is cleared, and the earliest of their deadlines is the flight's. */
bool in_flight_expire(struct in_flight *f);
/* Lands with f->error. */
void in_flight_fail(struct in_flight *f);

#endif
