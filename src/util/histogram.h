/* SPDX-License-Identifier: MIT */
/*
 * How long things took, counted by size: eight steps an octave from a microsecond to a
 * quarter of an hour, so that what is told of a duration is at most an eighth too much. To
 * add costs two relaxed additions, and waits for nobody. Any room, any thread.
 */
#ifndef CAIRN_UTIL_HISTOGRAM_H
#define CAIRN_UTIL_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 3
#define HISTOGRAM_FIRST 10 /* what took less than 2^10 ns is not told apart, */
#define HISTOGRAM_LAST 40  /* nor is what took 2^40 ns or more */
#define HISTOGRAM_SIZE (((HISTOGRAM_LAST - HISTOGRAM_FIRST) << HISTOGRAM_STEP_BITS) + 2)

/* Zero-initialised is empty. */
struct histogram {
	atomic_uint_least64_t sum; /* ns */
	atomic_uint_least64_t counts[HISTOGRAM_SIZE];
};
/* As it was at some time. */
struct histogram_copy {
	uint64_t count, sum; /* ns */
	uint64_t counts[HISTOGRAM_SIZE];
};

/* Less than 0 is 0. */
void histogram_add(struct histogram *h, int64_t ns);
void histogram_look(const struct histogram *h, struct histogram_copy *out);
/* In how many ns so many thousandths of them were done, at most; 0: there were none. 1000:
 * all of them. */
uint64_t histogram_share(const struct histogram_copy *h, unsigned thousandths);
/* How many took less than 2^log2 ns, from HISTOGRAM_FIRST to HISTOGRAM_LAST. */
uint64_t histogram_below(const struct histogram_copy *h, unsigned log2);

#endif
