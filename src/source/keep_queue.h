/* SPDX-License-Identifier: MIT */
/*
 * What was delivered and is yet to be kept in the cache. Keeping may block for as long as
 * a disk, or another process that holds a lock of the cache, likes, and neither a reader
 * nor the decoding of other blobs may wait for that.
 *
 * The worker that has delivered a blob keeps it itself, with its bytes still in the
 * processor's cache and without waking anybody. The pool has spare threads, which step in
 * for workers that are held up in that (workers.h). No more than `keepers_max` keep at a
 * time, so that the spare ones are not held up too: what comes beyond that waits in the
 * queue, and those who keep go on with it. (A prefetch on two processors took 1.3 times
 * the processor's time when two threads of their own did the keeping, or when only one of
 * the two workers might: the bytes went from one processor's cache to the other's, and
 * more of them were in memory at a time.) For keep.c; knows items only.
 *
 * Memory. An item's bytes stay in memory until it is kept. Those of a fetch stay charged
 * to the fetcher's budget, M bytes, of which no more than 3/4 go to what nobody reads yet
 * (fetcher.h). Demand must get through whatever waits here, hence:
 * - Items that readers have had, and nobody insists on, are given up, oldest first, while
 *   more than M/2 waits here. The newest stays: its reader is likely to ask for more of
 *   the same blob. So demand cannot fill the budget by what it has had.
 * - Items that are kept in any case (a hint, which nobody has had yet; a prefetch, which
 *   waits for it) wait, however many they are. They were fetched as readahead or
 *   prefetch, so once they fill those 3/4 no more of their kind is fetched: that is their
 *   back-pressure. A quarter is left for demand.
 * - Nothing here counts as a demand (fetcher_lower), and one demand is let through a full
 *   budget. So even where a reader and a prefetch want the same blobs, and those fill all
 *   of it, the next reader is served, if one blob at a time.
 * - A copy from another place of the cache has no fetch that it could be charged to. One
 *   that nobody reads is charged here before it is made (keep_queue_enter), and not made
 *   while M/2 waits here. So all of this takes M/2 beside M at most.
 *
 * Threads: any; item->run is called without a lock. Lock order: keep_mtx, then that of
 * workers.
 */
#ifndef CAIRN_SOURCE_KEEP_QUEUE_H
#define CAIRN_SOURCE_KEEP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/workers.h"

/* Embedded in what is to be kept; zero is outside of the queue. */
struct keep_item {
	void (*run)(struct keep_item *item); /* keeps it; ends with keep_queue_leave */
	bool insists;			     /* somebody insists on it: never given up */
	/* The queue's: */
	uint64_t bytes;	 /* charged; 0: not yet */
	uint64_t asked;	 /* bytes that it waits for, not in the queue yet; 0: does not */
	struct job *job; /* its own, for when they are charged; borrowed */
	struct keep_item *next;
};

struct keep_queue;
/* `bytes_max` is the M/2 above. `workers` (borrowed) get the jobs of keep_queue_enter.
 * ERR_NO_MEMORY. */
int keep_queue_new(uint64_t bytes_max, unsigned keepers_max, struct workers *workers,
	struct keep_queue **out);
/* It is empty. */
void keep_queue_free(struct keep_queue *q);

/* Charges `bytes` (at least one) for an item that is not to be made before. False: too
 * much waits already; `job` is run on a worker as soon as they are charged, and the item
 * is the queue's until then. */
bool keep_queue_enter(
	struct keep_queue *q, struct keep_item *item, uint64_t bytes, struct job *job);
/* Takes back an item that waits in keep_queue_enter: the caller's again, uncharged. False:
 * it does not (or not any more), and is not touched. */
bool keep_queue_withdraw(struct keep_queue *q, struct keep_item *item);
/* Puts it in the queue, charging `bytes` unless it is charged already. Gives a list (by
 * `next`) of others that are given up for it: the caller's now, still charged. */
struct keep_item *keep_queue_add(
	struct keep_queue *q, struct keep_item *item, uint64_t bytes);
/* Puts one that was given up in the queue once more: somebody insists on it by now. */
void keep_queue_add_again(struct keep_queue *q, struct keep_item *item);
/* Runs what is in the queue, on this thread, unless `keepers_max` are at it. */
void keep_queue_run(struct keep_queue *q);
/* Its bytes leave memory; harmless when none are charged. */
void keep_queue_leave(struct keep_queue *q, struct keep_item *item);

/* Items wait for a thread. */
bool keep_queue_is_behind(struct keep_queue *q);
/* Items that were given up. */
uint64_t keep_queue_given_up(struct keep_queue *q);

#endif
