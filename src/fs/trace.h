/* SPDX-License-Identifier: MIT */
/*
 * Tells who listens which files are read, in order. While nobody does, a request costs one
 * relaxed load; a listener that takes too little loses what comes, and is told how much.
 * Any thread; the lock is held for a few instructions.
 */
#ifndef CAIRN_FS_TRACE_H
#define CAIRN_FS_TRACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/bytes.h"

#define TRACE_EVENTS_MAX 16384 /* that wait for a listener */

struct trace_event {
	struct trace_event *next;
	int64_t at;	       /* CLOCK_MONOTONIC ns: it was asked for */
	uint64_t offset, size; /* bytes: asked for and given */
	bool waited;	       /* for what was not here */
	uint32_t path_size;
	char path[]; /* below the mount point */
};

struct trace_listener {
	struct trace_listener *next;	   /* trace_mtx, as all below */
	struct trace_event *first, **last; /* that wait */
	unsigned count;			   /* of them */
	uint64_t lost;
	int wake[2]; /* a pipe: there are some */
};

struct trace {
	atomic_bool heard; /* somebody listens */
	pthread_mutex_t trace_mtx;
	struct trace_listener *listeners;
};

void trace_init(struct trace *t);
/* Nobody listens any more. */
void trace_release(struct trace *t);

/* A read has been answered: `read` without a path, which is the other. Only while
 * t->heard. */
void trace_note(struct trace *t, const struct trace_event *read, struct span path);

/* From now on; zero-initialised. ERR_IO: no pipe. */
int trace_join(struct trace *t, struct trace_listener *l);
void trace_leave(struct trace *t, struct trace_listener *l);
/* For poll(2): readable when trace_take() gives something. */
int trace_fd(const struct trace_listener *l);
/* All that have come, in order, the caller's to free(); NULL: none. *lost: how many more
 * there were since the last time. */
struct trace_event *trace_take(struct trace *t, struct trace_listener *l, uint64_t *lost);

#endif
