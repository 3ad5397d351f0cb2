/* SPDX-License-Identifier: MIT */
/*
 * The fetches that are not under way: queues by priority, those that wait for better
 * times, those that have ended; and what they share. Who goes next is admission.h's
 * business, when and where one is asked for again retry.h's. Knows nothing of libcurl and
 * calls no one but mirrors.h; its owner, the fetcher, holds its own lock around every call,
 * of those two as well, and so guards what is in here and `state`, `priority` and
 * `deadline` of every fetch.
 *
 * A fetch is in one place: a queue, `waiting` (holds no memory), under way (picked, in no
 * list), `ending` (its done() is next), or not the fetcher's.
 */
#ifndef CAIRN_NET_SCHEDULE_H
#define CAIRN_NET_SCHEDULE_H

#include "net/budget.h"
#include "net/fetch.h"
#include "net/fetch_list.h"
#include "net/hedge.h"
#include "net/progress.h"

/* Since the schedule was made; bytes: of bodies. */
struct schedule_counters {
	uint64_t requests, retries, failures, bytes;
	uint64_t doubled; /* second tries: hedge.h */
};

struct schedule {
	struct fetch_list queues[FETCH_PRIORITIES];
	struct fetch_list waiting, ending;
	struct budget budget;
	struct hedge hedge;
	struct progress progress;
	int64_t sweep_at; /* CLOCK_MONOTONIC ns: nothing is due before */
	struct schedule_counters counters;
};

/* `memory`: bytes that the fetches which it lets begin may cost at once. */
void schedule_init(struct schedule *s, uint64_t memory);
/* Puts a fetch, freshly submitted, at the end of its queue. */
void schedule_add(struct schedule *s, struct fetch *fetch);

/* Before all others of its queue: it had its turn already. */
void schedule_add_again(struct schedule *s, struct fetch *fetch);
/* It is not to be picked before `when`. */
void schedule_wait(struct schedule *s, struct fetch *fetch, int64_t when);

/* A picked fetch has its body. */
void schedule_succeed(struct schedule *s, struct fetch *fetch);
/* Its body is longer than what it was admitted with: it is asked for again as what it is,
 * and waits until there is room for that. */
void schedule_enlarge(struct schedule *s, struct fetch *fetch);

/* The fetch ends with `error`; fetch->trouble has its words already. */
void schedule_end(struct schedule *s, struct fetch *fetch, int error);
/* It is past its deadline. */
void schedule_end_overdue(struct schedule *s, struct fetch *fetch);
/* Nobody waits for it any more. */
void schedule_interrupt(struct schedule *s, struct fetch *fetch);
/* Interrupts it, if it has not ended; one that is under way gets `cancelled` set, for the
 * owner to see in a sweep. */
void schedule_cancel(struct schedule *s, struct fetch *fetch);
/* Nobody waits for it: see fetcher_abandon(). */
void schedule_abandon(struct fetch *fetch, int64_t now);
/* Raises what is queued or waiting; see fetcher_raise(). */
void schedule_raise(struct schedule *s, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline, int64_t now);

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
