/* SPDX-License-Identifier: MIT */
/*
 * The in-flight table: each blob that is being brought, once, whoever wants it. It is
 * looked for in the cache, copied there from another place, or fetched; decoded
 * (decode.h), delivered to all who wait for its bytes (delivery.h), and then kept in the
 * cache for all who want that (keep.h):
 *
 *            worker            fetcher         worker          keep queue
 *   join --> LOCAL ----------> FETCHING -----> DECODING -----> KEEPING ---> finished
 *             | |                 ^             |     ^           ^
 *             | +-> finished      +-wrong bytes-+     |           |
 *             |                                 +--> BASE         |
 *             +-- copied within the cache ------------------------+
 *
 * A blob belongs to its stage: in FETCHING to the fetcher, in LOCAL and DECODING to the
 * one worker that has its job, in BASE to the blob that it depends on, in KEEPING to the
 * keep queue. Whoever wants the same one meanwhile joins under the lock; the last to
 * leave abandons the fetch, which goes on if it is on the wire. In KEEPING its bytes are
 * there for whoever joins.
 *
 * Lock order: table_mtx, then those inside of the keep queue, workers, fetcher, mirrors. It
 * is not held across disk I/O, decoding, or ready(). The fetcher calls back without its
 * lock.
 */
#ifndef CAIRN_SOURCE_IN_FLIGHT_H
#define CAIRN_SOURCE_IN_FLIGHT_H

#include <pthread.h>

#include "format/want.h"
#include "source/engine.h"
#include "source/waiter_line.h"

enum in_flight_stage {
	IN_FLIGHT_LOCAL,
	IN_FLIGHT_FETCHING,
	IN_FLIGHT_DECODING,
	IN_FLIGHT_BASE,
	IN_FLIGHT_KEEPING
};

/* Where a chunk belongs in the cache. */
struct in_flight_place {
	struct want want;
	int error; /* why it could not be kept there; 0: it was, or not tried yet */
};

struct in_flight_table;

struct in_flight {
	struct in_flight_table *table;
	/* Its key, constant. `size` 0: the base of a delta, kept in memory only. */
	enum blob_kind kind;
	struct digest digest;
	uint64_t size;
	bool hinted; /* constant: begun by a hint, goes on for nobody */

	/* table_mtx: */
	struct in_flight *next; /* in its bucket */
	enum in_flight_stage stage;
	enum fetch_priority priority;
	int64_t deadline;	   /* the earliest of those who wait, moved by progress */
	bool cancelled;		   /* the fetch was, since the table ends */
	struct waiter_blob *waits; /* those who want the bytes */
	struct waiter_blob *keeps; /* those who want it kept */
	bool delivered;		   /* somebody has had the bytes */
	bool delivering;	   /* `deliver` is on its way, for who joined in KEEPING */
	bool ended;		   /* finished but for that */
	struct in_flight *dependents; /* deltas whose base this is */
	struct in_flight *next_dependent;
	struct in_flight *base;		/* BASE: the blob that it depends on */
	struct in_flight_place *places; /* distinct; a page has one */
	unsigned place_count, place_capacity;

	/* Whose stage it is: */
	struct job job, deliver;
	struct keep_item keep;
	struct fetch fetch;
	bool charged;	/* the fetcher waits for fetcher_release */
	uint64_t avoid; /* mirrors that sent wrong bytes */
	unsigned wrong; /* how many did */
	bool whole;	/* no pieces of several answers any more */
	bool last_try;	/* with all caches on the way told to revalidate */
	struct blob_buffer *base_content;
	struct blob_buffer *content;
	int error;
	struct trouble trouble;
};

/* What brings a blob through its stages, on a worker (download.h). */
struct in_flight_steps {
	void (*look)(struct job *job);	  /* LOCAL: the first step */
	void (*resume)(struct job *job);  /* DECODING, once more: the base has come
					   * (base_content), or failed (error) */
	void (*deliver)(struct job *job); /* KEEPING: the bytes, to who has joined */
};

#define IN_FLIGHT_BUCKETS 1024 /* a power of two; some hundreds are in flight at most */

struct in_flight_table {
	struct engine *engine;	 /* borrowed */
	struct mirrors *mirrors; /* borrowed */
	struct in_flight_steps steps;
	bool offline; /* constant once something is in flight */

	pthread_mutex_t table_mtx; /* the fields below, those of each blob, and all lines */
	pthread_cond_t table_cond; /* a blob is finished, a ready() has ended */
	struct in_flight *buckets[IN_FLIGHT_BUCKETS];
	unsigned count; /* alive, in the table or just out of it */
	unsigned hints; /* of them, begun by a hint */
	struct waiter_calls calls;
	bool stopping;
	bool keep_stalled; /* the last try to keep one was ERR_TIMEOUT */
};

void in_flight_table_init(struct in_flight_table *t, struct engine *engine,
	struct mirrors *mirrors, const struct in_flight_steps *steps);
/* Cancels what nobody waits for, and waits until all are finished and every ready() has
 * returned. Nobody waits or joins any more. */
void in_flight_table_release(struct in_flight_table *t);

/* For source.c. Called locked. */

/* Joins the blob of `want` or begins one, and raises it. `wait` NULL: a hint.
 * ERR_NO_MEMORY. */
int in_flight_join(struct in_flight_table *t, const struct want *want,
	enum fetch_priority priority, int64_t deadline, struct waiter_blob *wait);
/* Is it under way? */
bool in_flight_exists(struct in_flight_table *t, const struct want *want);
/* The wait ends. Nobody waits any more? What is on the wire is finished and kept anyway. */
void in_flight_leave(struct waiter_blob *wait);
/* All waits of a line end. */
void in_flight_leave_all(struct waiter_line *line);

/* For who brings it (download.c, delivery.c, keep.c). */

struct in_flight *in_flight_of_job(struct job *job);
/* Is it the base of a delta, for memory only? It has no places. */
bool in_flight_is_base(const struct in_flight *f);
/* Called locked: does anybody still want it? */
bool in_flight_is_needed(const struct in_flight *f);
/* Called locked: its next step is for a worker. */
void in_flight_queue(struct in_flight *f, void (*run)(struct job *job));
/* Called locked: `delta` waits for its base, and is not its worker's any more.
 * ERR_NO_MEMORY: still is. */
int in_flight_join_base(struct in_flight *delta, const struct digest *digest);
/* The place of that index. False: there are not so many. Not called locked. */
bool in_flight_place(struct in_flight *f, unsigned index, struct want *out);
/* The latest deadline of those who want it kept; 0: nobody does. Not called locked. */
int64_t in_flight_keep_deadline(struct in_flight *f);
/* Is there any point in trying? A source that ends waits for a stalled cache once, not once
 * for each blob. Not called locked. */
bool in_flight_may_keep(struct in_flight *f);
/* What came of keeping it there. Not called locked. */
void in_flight_set_kept(struct in_flight *f, unsigned index, int error);
/* Gives back the fetch's share of the memory budget, if it has one. */
void in_flight_release_budget(struct in_flight *f);
/* Called locked: takes it out of the table, so that nobody joins any more. */
void in_flight_remove(struct in_flight *f);
/* Called locked, unlocks: ends the life of one that was removed and has no waits. */
void in_flight_free(struct in_flight *f);

#endif
