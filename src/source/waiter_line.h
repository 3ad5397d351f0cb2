/* SPDX-License-Identifier: MIT */
/*
 * What a waiter has for as long as it waits: one wait per blob. A block of
 * its own, because a waiter may vanish (in its ready(), or when it is forgotten) while a
 * worker is about to come to it; and the list of those whose ready() is running. For the
 * in-flight table and source.c.
 *
 * Locks: the in-flight table's, over all fields here. No function but waiter_line_new and
 * waiter_calls_run is called without it.
 */
#ifndef CAIRN_SOURCE_WAITER_LINE_H
#define CAIRN_SOURCE_WAITER_LINE_H

#include <pthread.h>
#include <stdint.h>

#include "source/waiter.h"

struct in_flight;

/* One wait for one blob. */
struct waiter_blob {
	struct waiter_line *line;
	struct in_flight *in_flight; /* NULL: it is over */
	struct waiter_blob **link;   /* what points to it in its blob's list */
	struct waiter_blob *next;
	unsigned place; /* where it is wanted: in_flight->places */
};

struct waiter_line {
	struct waiter *waiter; /* NULL: forgotten, to be freed by who finds it */
	int64_t deadline;      /* CLOCK_MONOTONIC ns; constant */
	struct waiter_line *next_due;
	bool due;	  /* in a worker's list, about to become ready */
	unsigned waiting; /* waits that are not over */
	unsigned count;
	struct waiter_blob waits[];
};

/* Clears the waiter's error and makes it a line for `count` waits, none begun yet, which
 * is to become its own under the lock. ERR_NO_MEMORY. Before the lock is taken. */
int waiter_line_new(
	struct waiter *waiter, unsigned count, int64_t deadline, struct waiter_line **out);
/* Notes that its waiter failed; the first failure stays. `t` without words: error_text. */
void waiter_line_fail(struct waiter_line *line, int error, const struct trouble *t);
/* Puts a line with no waits left at the head of *due. */
void waiter_line_end(struct waiter_line *line, struct waiter_line **due);

/* A list of waits, as its blob keeps it. */
void waiter_blob_insert(struct waiter_blob **list, struct waiter_blob *wait);
void waiter_blob_remove(struct waiter_blob *wait);

/* The ready() that are running. */
struct waiter_call;
struct waiter_calls {
	pthread_mutex_t *table_mtx; /* borrowed: the lock over all this */
	pthread_cond_t *table_cond; /* borrowed: told when a ready() has ended */
	struct waiter_call *first;
};

/* Calls ready() of each that is due, without the lock, and frees the lines. Not called
 * locked. */
void waiter_calls_run(struct waiter_calls *c, struct waiter_line *due);
bool waiter_calls_has(const struct waiter_calls *c, const struct waiter *waiter);

#endif
