/* SPDX-License-Identifier: MIT */
/*
 * What this process may still write into objects/: a lease that the cache's metadata
 * grants (room.h, in the committer's transaction) and workers draw from. So a chunk
 * costs no transaction of its own, and several processes keep one quota at every
 * instant. Own lock; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_RESERVATION_H
#define CAIRN_CACHE_WRITE_RESERVATION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct committer;

struct reservation {
	pthread_mutex_t mtx;
	pthread_cond_t cond;  /* a demand was answered */
	uint64_t leased;      /* bytes granted and not yet resident; mtx, as all below */
	uint64_t used;	      /* of them reserved: being written, or not yet committed */
	uint64_t demand;      /* bytes that workers wait for */
	int64_t denied_until; /* CLOCK_MONOTONIC ns: there was no room, do not ask again yet
			       */
};

void reservation_init(struct reservation *l);
void reservation_release(struct reservation *l);

/* Waits for the committer when the lease does not suffice. ERR_NO_SPACE. */
int reservation_reserve(struct reservation *l, struct committer *committer, uint64_t bytes);
/* What was reserved was not written. */
void reservation_cancel(struct reservation *l, uint64_t bytes);

/* For the committer: how things stand at the begin of a round ... */
struct reservation_view {
	uint64_t leased, used, demand;
};
struct reservation_view reservation_view(struct reservation *l);
/* ... and what came of it: `settled` bytes are no longer reserved, the lease is now
 * `leased`, and whoever waits is answered. */
void reservation_commit(struct reservation *l, uint64_t settled, uint64_t leased);
/* The disk was full: no more for a while. */
void reservation_deny(struct reservation *l);
/* Gives up what is not reserved, before the smaller lease is written. */
uint64_t reservation_shrink(struct reservation *l);

#endif
