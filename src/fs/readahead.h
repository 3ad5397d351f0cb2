/* SPDX-License-Identifier: MIT */
/*
 * Who reads one after another, or in steps of one length, and how much further should be
 * fetched for him. Counts in units: bytes of a file, entries of the tree. Several streams
 * at once are told apart; one that jumps about gets nothing. Pure; the caller locks.
 */
#ifndef CAIRN_FS_READAHEAD_H
#define CAIRN_FS_READAHEAD_H

#include <stdint.h>

#define READAHEAD_STREAMS 12

struct run {
	uint64_t start, size;
};

/* `times` runs of one size, `stride` from one's start to the next's. */
struct plan {
	struct run run; /* the first; size 0: nothing */
	uint64_t stride;
	uint64_t times; /* 1 for a sequential reader */
};

struct readahead_limits {
	uint64_t slack; /* units that a continuation may be off by */
	uint64_t first; /* units of the first window */
	uint64_t most;	/* units the window grows to, by doubling; 0: no readahead */
	uint64_t grain; /* units that come for the sake of one; 0: strides do not count */
};

/* Zero is a fresh one. */
struct readahead {
	struct stream {
		uint64_t start;	  /* of the run that is being read */
		uint64_t next;	  /* where that run goes on */
		uint64_t stride;  /* from run to run; 0: there is only one */
		uint64_t length;  /* of the longest run so far, when there are several */
		uint64_t window;  /* 0: not known to go on yet */
		uint64_t reached; /* end of what was given out; with a stride, its last
				     start */
		uint64_t age;	  /* 0: empty */
	} streams[READAHEAD_STREAMS];
	uint64_t clock;
};

/* Somebody reads [offset, offset + size), size at least 1. What should be fetched beyond
 * that now. Given out once each, in ascending order per stream. */
struct plan readahead_note(struct readahead *r, const struct readahead_limits *limits,
	uint64_t offset, uint64_t size);

/* The end of what was given out, from `start` on, was not used: it is given out again. */
void readahead_take_back(struct readahead *r, uint64_t start, uint64_t end);

#endif
