/* SPDX-License-Identifier: MIT */
/*
 * Which fetch goes next, to which mirror, and which has waited long enough: queues by
 * priority, those that wait for better times, the memory budget. Knows nothing of
 * libcurl and calls no one but mirrors.h; its owner, the fetcher, holds its own lock
 * around every call, and so guards what is in here and `state`, `priority` and
 * `deadline` of every fetch.
 *
 * A fetch is in one place: a queue, `waiting` (holds no memory), under way (picked, in no
 * list), `ending` (its done() is next), or not the fetcher's.
 */
#ifndef CAIRN_NET_SCHEDULE_H
#define CAIRN_NET_SCHEDULE_H

#include "net/admission.h"
#include "net/fetch.h"
#include "net/fetch_list.h"
#include "net/try_result.h"
#include "net/hedge.h"
#include "net/origins.h"
#include "net/partials.h"
#include "net/progress.h"

/* Since the schedule was made; bytes: of bodies. */
struct schedule_counters {
	uint64_t requests, retries, failures, bytes;
	uint64_t doubled; /* second tries: hedge.h */
};

struct schedule {
	struct fetch_list queues[FETCH_PRIORITIES];
	struct fetch_list waiting, ending;
	uint64_t memory;	  /* bytes of the budget */
	uint64_t held;		  /* of them */
	unsigned demands;	  /* fetches of demand that hold some */
	struct partials partials; /* beside `held` */
	struct hedge hedge;
	struct progress progress;
	int64_t sweep_at; /* CLOCK_MONOTONIC ns: nothing is due before */
	struct schedule_counters counters;
};

/* `memory`: bytes that the fetches which it lets begin may cost at once. */
void schedule_init(struct schedule *s, uint64_t memory);
/* Puts a fetch, freshly submitted, at the end of its queue. */
void schedule_add(struct schedule *s, struct fetch *fetch);

/* Takes the next fetch that may begin out of its queue; false: none may. */
bool schedule_pick(
	struct schedule *s, struct origins *origins, int64_t now, struct admission *out);
/* A second try for a fetch whose first, at `mirror`, is slower than its peers: at another
 * mirror that can be asked at once. False: there is none, or no allowance or memory. */
bool schedule_double(struct schedule *s, struct fetch *fetch, unsigned mirror,
	struct origins *origins, int64_t now, struct admission *out);
/* One of the two tries of a fetch failed, while the other goes on. */
void schedule_note_failure(
	struct fetch *fetch, unsigned mirror, const struct try_result *result);
/* What became of a picked fetch: it has its body, or is to be asked for once more. */
void schedule_succeed(struct schedule *s, struct fetch *fetch);
/* Its body is longer than what it was admitted with: it is asked for again as what it is,
 * and waits until there is room for that. */
void schedule_enlarge(struct schedule *s, struct fetch *fetch);
void schedule_retry(struct schedule *s, struct fetch *fetch, unsigned mirror,
	const struct try_result *result, int64_t now);

/* The fetch ends with `error`; fetch->trouble has its words already. */
void schedule_end(struct schedule *s, struct fetch *fetch, int error);
void schedule_interrupt(struct schedule *s, struct fetch *fetch);
/* Interrupts it, if it has not ended; one that is under way gets `cancelled` set, for the
 * owner to see in a sweep. */
void schedule_cancel(struct schedule *s, struct fetch *fetch);
/* Nobody waits for it: see fetcher_abandon(). */
void schedule_abandon(struct fetch *fetch, int64_t now);
/* Raises what is queued or waiting; see fetcher_raise(). */
void schedule_raise(struct schedule *s, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline, int64_t now);
/* Gives back the memory of a fetch. */
void schedule_release(struct schedule *s, struct fetch *fetch);
/* What the fetch holds no longer counts as held by demand; see fetcher_lower(). */
void schedule_lower(struct schedule *s, struct fetch *fetch);

/* The owner wants a sweep at `when`, or before. */
void schedule_sweep_by(struct schedule *s, int64_t when);
/* Ends what is past its deadline (all, when stopping), queues again what has waited.
 * Afterwards sweep_at is when the next is due, as far as is known here. */
void schedule_sweep(struct schedule *s, int64_t now, bool stopping);
/* A fetch whose done() is to be called, taken out; NULL when there is none. */
struct fetch *schedule_next_ended(struct schedule *s);
/* Fetches that are queued or waiting. */
uint64_t schedule_queued(const struct schedule *s);
/* Nothing queued, waiting or ending. */
bool schedule_is_empty(const struct schedule *s);

#endif
