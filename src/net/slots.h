/* SPDX-License-Identifier: MIT */
/*
 * How many connections a server serves at a time. Some serve fewer than a reader opens,
 * each for as long as it is open: a process or a thread for each (Apache's prefork), or one
 * for all (Python's HTTPServer). One more is accepted, by their kernel, and never heard,
 * while the others answer, or idle. Those that answer are told apart by their local port;
 * that many are used for a while, and idle ones before new ones. A value without a lock.
 */
#ifndef CAIRN_NET_SLOTS_H
#define CAIRN_NET_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS_MAX 16 /* told apart: as many as a reader opens, unless told otherwise */

/* Zero-initialised knows nothing. Times in CLOCK_MONOTONIC ns. */
struct slots {
	struct slot {
		int port; /* local */
		int64_t heard;
	} items[SLOTS_MAX];
	unsigned most; /* connections, until then */
	int64_t until;
	int64_t keep;	    /* ns, for which it was kept the last time */
	int64_t learned_at; /* 0: never */
};

/* Something came by the connection from that port. */
void slots_note(struct slots *s, int port, int64_t now);
/* Connections by which something came at `since` or later. */
unsigned slots_count(const struct slots *s, int64_t since);
/* A new connection, asked by at `began`, stayed without an answer while others had some:
 * there are no more than those. What began before the last time this was learnt says
 * nothing new, and is false. Kept for a minute, and longer each time it proves true. */
bool slots_learn(struct slots *s, int64_t began, int64_t now);
/* Is it known now how many there are? */
bool slots_are_few(const struct slots *s, int64_t now);

#endif
