/* SPDX-License-Identifier: MIT */
/*
 * What this process may still write into objects/: a lease that the books grant (space.h)
 * and whoever keeps chunks draws from. So a chunk costs no transaction of its own, and
 * several processes keep one quota at every instant. Own lock; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_RESERVATION_H
#define CAIRN_CACHE_WRITE_RESERVATION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct reservation {
	pthread_mutex_t reservation_mtx; /* over all below */
	pthread_cond_t reservation_cond; /* a demand was answered */
	uint64_t leased;		 /* bytes granted and not yet resident */
	uint64_t used;	      /* of them reserved: being written, or not yet committed */
	uint64_t demand;      /* bytes that are waited for */
	int64_t denied_until; /* CLOCK_MONOTONIC ns: there was no room, do not ask again yet
			       */
};

void reservation_init(struct reservation *r);
void reservation_release(struct reservation *r);

/* Reserves from the lease. ERR_PENDING: it does not suffice, ask for more; ERR_NO_SPACE:
 * it was asked for lately, in vain. */
int reservation_draw(struct reservation *r, uint64_t bytes);
/* Asks for more. The next transaction sees it: wake whoever makes it ... */
void reservation_demand(struct reservation *r, uint64_t bytes);
/* ... and wait for its answer: reserved (0), ERR_NO_SPACE, or ERR_TIMEOUT when there was
 * none by `deadline` (CLOCK_MONOTONIC, ns). Ends the demand. */
int reservation_await(struct reservation *r, uint64_t bytes, int64_t deadline);
/* What was reserved was not written. */
void reservation_cancel(struct reservation *r, uint64_t bytes);

/* For the writer: how things stand at the begin of a transaction ... */
struct reservation_view {
	uint64_t leased, used, demand;
};
struct reservation_view reservation_view(struct reservation *r);
/* ... and what came of it: `released` bytes are no longer reserved, the lease is now
 * `leased`, and whoever waits looks again. */
void reservation_commit(struct reservation *r, uint64_t released, uint64_t leased);
/* There is no room: no more for a while. */
void reservation_deny(struct reservation *r);
/* Gives up what is not reserved, before the smaller lease is written. */
uint64_t reservation_shrink(struct reservation *r);

#endif
