/* SPDX-License-Identifier: MIT */
/*
 * The inside of a ticket: the line it stands in, one wait per blob. For source.c and
 * flight.c. A line is a block of its own, because a ticket may vanish (in its ready(), or
 * when it is forgotten) while a worker is about to come to it.
 *
 * All fields: source_mtx.
 */
#ifndef CAIRN_CACHE_TICKET_H
#define CAIRN_CACHE_TICKET_H

#include "source/source.h"

struct flight;

/* Stands in its flight's list; flight NULL: it is over. */
struct ticket_wait {
	struct ticket_line *line;
	struct flight *flight;
	struct ticket_wait *next, *previous;
};

struct ticket_line {
	struct ticket *ticket;         /* NULL: forgotten, to be freed by who finds it */
	int64_t deadline;              /* constant */
	struct ticket_line *next_due;
	bool due;                      /* in a worker's list, about to become ready */
	unsigned waiting;              /* waits that are not over */
	unsigned count;
	struct ticket_wait waits[];
};

/* A ready() that is under way; lives on its worker's stack. */
struct ticket_run {
	const struct ticket *ticket;   /* for comparison only: it may be gone */
	struct ticket_run *next;
};

/* Clears the ticket's error and puts it in line; ERR_NO_MEMORY. Before the lock. */
int ticket_line_new(struct ticket *ticket, unsigned count, int64_t deadline,
	struct ticket_line **out);
/* Ends all its waits, and cancels flights that nobody else waits for. */
void ticket_line_leave(struct ticket_line *line);
/* One wait is over, with an arrival (shared, may be NULL) or an error. When that makes the
 * ticket ready, its line is put at the head of *due. */
void ticket_arrive(struct ticket_wait *wait, struct arrival *arrival, int error,
	const struct trouble *trouble, struct ticket_line **due);
/* Calls ready() of each, without the lock, and frees the lines. */
void ticket_run_due(struct source *s, struct ticket_line *due);

#endif
