/* SPDX-License-Identifier: MIT */
/*
 * What this process may still write into objects/: a lease that the cache's metadata
 * grants (room.h, in the committer's transaction) and workers draw from. So a chunk
 * costs no transaction of its own, and several processes keep one quota at every
 * instant. Own lock; any thread.
 */
#ifndef CAIRN_CACHE_LEDGER_H
#define CAIRN_CACHE_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct committer;

struct ledger {
	pthread_mutex_t mtx;
	pthread_cond_t cond;  /* a demand was answered */
	uint64_t leased;      /* bytes granted and not yet resident; mtx, as all below */
	uint64_t used;	      /* of them reserved: being written, or not yet committed */
	uint64_t demand;      /* bytes that workers wait for */
	int64_t denied_until; /* CLOCK_MONOTONIC ns: there was no room, do not ask again yet
			       */
};

void ledger_init(struct ledger *l);
void ledger_release(struct ledger *l);

/* Waits for the committer when the lease does not suffice. ERR_NO_SPACE. */
int ledger_reserve(struct ledger *l, struct committer *committer, uint64_t bytes);
/* What was reserved was not written. */
void ledger_cancel(struct ledger *l, uint64_t bytes);

/* For the committer: how things stand at the begin of a round ... */
struct ledger_view {
	uint64_t leased, used, demand;
};
struct ledger_view ledger_view(struct ledger *l);
/* ... and what came of it: `settled` bytes are no longer reserved, the lease is now
 * `leased`, and whoever waits is answered. */
void ledger_settle(struct ledger *l, uint64_t settled, uint64_t leased);
/* The disk was full: no more for a while. */
void ledger_deny(struct ledger *l);
/* Gives up what is not reserved, before the smaller lease is written. */
uint64_t ledger_shrink(struct ledger *l);

#endif
