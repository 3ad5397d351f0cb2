/* SPDX-License-Identifier: MIT */
/*
 * The inside of a waiter: the line it stands in, one wait per blob. For source.c and
 * flight.c. A line is a block of its own, because a waiter may vanish (in its ready(), or
 * when it is forgotten) while a worker is about to come to it.
 *
 * All fields: source_mtx.
 */
#ifndef CAIRN_SOURCE_WAITER_H
#define CAIRN_SOURCE_WAITER_H

#include "source/source.h"

struct in_flight;

/* Stands in its flight's list; flight NULL: it is over. */
struct waiter_blob {
	struct waiter_line *line;
	struct in_flight *in_flight;
	struct waiter_blob *next, *previous;
};

struct waiter_line {
	struct waiter *waiter; /* NULL: forgotten, to be freed by who finds it */
	int64_t deadline;      /* constant */
	struct waiter_line *next_due;
	bool due;	  /* in a worker's list, about to become ready */
	unsigned waiting; /* waits that are not over */
	unsigned count;
	struct waiter_blob waits[];
};

/* A ready() that is under way; lives on its worker's stack. */
struct waiter_run {
	const struct waiter *waiter; /* for comparison only: it may be gone */
	struct waiter_run *next;
};

/* Clears the waiter's error and puts it in line; ERR_NO_MEMORY. Before the lock. */
int waiter_line_new(
	struct waiter *waiter, unsigned count, int64_t deadline, struct waiter_line **out);
/* Ends all its waits, and cancels flights that nobody else waits for. */
void waiter_line_leave(struct waiter_line *line);
/* One wait is over, with an arrival (shared, may be NULL) or an error. When that makes the
 * waiter ready, its line is put at the head of *due. */
void waiter_arrive(struct waiter_blob *wait, struct blob_buffer *content, int error,
	const struct trouble *trouble, struct waiter_line **due);
/* Calls ready() of each, without the lock, and frees the lines. */
void waiter_run_due(struct source *s, struct waiter_line *due);

#endif
