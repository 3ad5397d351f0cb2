/* SPDX-License-Identifier: MIT */
/*
 * One direction of a connection as a long wire: bytes put in at one end come out at the
 * other when they are due, in order. Pure memory; for proxy.c, one thread.
 */
#ifndef CAIRN_FAULTS_LINE_H
#define CAIRN_FAULTS_LINE_H

#include <stddef.h>
#include <stdint.h>

#define NEVER INT64_MAX

struct piece;

/* Zero is an empty line. */
struct line {
	struct piece *head, *tail;
	size_t held; /* bytes under way */
};

void line_release(struct line *l);
/* A copy of `data` arrives at `due` (ns). -1 without memory. */
int line_put(struct line *l, const void *data, size_t size, int64_t due);
/* When the next bytes arrive; NEVER when none are under way. */
int64_t line_due(const struct line *l);
/* Writes what has arrived by `now` to the socket: 0, or -1 and errno; EAGAIN: the
 * receiver takes no more now. */
int line_deliver(struct line *l, int fd, int64_t now);

#endif
