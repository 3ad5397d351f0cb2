/* SPDX-License-Identifier: MIT */
/*
 * What the fetcher's thread does, again and again: break off what time has overtaken,
 * begin what may begin, let libcurl work, hand over what has ended, sleep. Who goes next is
 * admission.h's business, what time brings about sweep.h's, one try fetch_try.h's, what
 * came of it try_result.h's. The struct is shared with fetcher.c, which starts the thread
 * and is called by all others.
 *
 * Lock order: fetch_mtx, then the mutex of a struct mirrors. Nothing else is called under
 * fetch_mtx, and libcurl only to wake the thread or for what it knows of a try.
 */
#ifndef CAIRN_NET_FETCH_LOOP_H
#define CAIRN_NET_FETCH_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/schedule.h"
#include "net/tries.h"
#include "util/error.h"
#include "util/log.h"

struct fetch_loop {
	struct log *log;    /* set before the thread starts */
	struct tries tries; /* the thread's own, but for tries_wake() */
	int64_t counted;    /* CLOCK_MONOTONIC ns, the thread's: when `arriving` was */
	bool uncounted;	    /* the thread's: not since it has last looked */
	atomic_uint_fast64_t arriving; /* bytes of bodies that are on their way, lately */

	/* Guards all below, and state, priority and deadline of every fetch. */
	pthread_mutex_t fetch_mtx;
	struct schedule schedule;
	uint64_t active; /* tries begun, not yet over */
	pthread_t self;	 /* of the thread, once it is not `awake` */
	bool awake;	 /* the thread will look at the schedule before it sleeps */
	bool stopping;
};

/* `memory`: bytes of the budget; the others are tries_init()'s. ERR_NO_MEMORY;
 * fetch_loop_release() all the same. */
int fetch_loop_init(struct fetch_loop *loop, struct log *log, uint64_t memory,
	const struct fetch_try_settings *settings, unsigned connections);
/* The thread is gone. */
void fetch_loop_release(struct fetch_loop *loop);
/* On the thread: until it is stopping and every fetch has ended. */
void fetch_loop_run(struct fetch_loop *loop);
/* Something is new in the schedule, or it is stopping. Any thread, with fetch_mtx held. */
void fetch_loop_wake(struct fetch_loop *loop);

#endif
