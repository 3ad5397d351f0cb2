/* SPDX-License-Identifier: MIT */
/*
 * Who reads one after another, and how much further should be fetched for him. Counts in
 * units: bytes of a file, entries of the tree. Several streams at once are told apart;
 * one that jumps about gets nothing. Pure; the caller locks.
 */
#ifndef CAIRN_FS_READAHEAD_H
#define CAIRN_FS_READAHEAD_H

#include <stdint.h>

#define READAHEAD_STREAMS 4

struct run {
	uint64_t start, size;
};

struct readahead_limits {
	uint64_t slack; /* units that a continuation may be off by */
	uint64_t first; /* units of the first window */
	uint64_t most;	/* units the window grows to, by doubling; 0: no readahead */
};

/* Zero is a fresh one. */
struct readahead {
	struct stream {
		uint64_t next;	  /* where a sequential reader comes next */
		uint64_t window;  /* 0: not known to be sequential yet */
		uint64_t reached; /* end of what was given out */
		uint64_t age;
	} streams[READAHEAD_STREAMS];
	uint64_t clock;
};

/* Somebody reads [offset, offset + size), size at least 1. What should be fetched beyond
 * that now; size 0: nothing. Given out once each, in ascending order per stream. */
struct run readahead_note(struct readahead *r, const struct readahead_limits *limits,
	uint64_t offset, uint64_t size);

#endif
