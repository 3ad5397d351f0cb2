/* SPDX-License-Identifier: MIT */
/*
 * Reads that failed a moment ago for want of a server. The kernel asks again for a page
 * whose readahead failed, which would have its reader wait for a second deadline: such a
 * question gets the same answer at once. Own lock; any thread.
 */
#ifndef CAIRN_FS_RECENT_FAILURES_H
#define CAIRN_FS_RECENT_FAILURES_H

#include <pthread.h>
#include <stdint.h>

#include "fs/readahead.h"
#include "util/digest.h"

#define RECENT_FAILURES_KEPT 4096	      /* as many may fail together */
#define RECENT_FAILURE_NS INT64_C(1000000000) /* how long an answer holds */

struct recent_failures {
	pthread_mutex_t failures_mtx; /* all below */
	struct recent_failure {
		struct digest leaf; /* with the row: whose content */
		uint32_t row;
		struct run bytes;
		int error;
		int64_t until;	       /* CLOCK_MONOTONIC ns; 0: empty */
	} items[RECENT_FAILURES_KEPT]; /* a ring, in the order in which they were noted */
	unsigned next;
};

void recent_failures_init(struct recent_failures *f);
void recent_failures_release(struct recent_failures *f);
/* ERR_TIMEOUT and ERR_UNREACHABLE are noted, other errors are not. */
void recent_failures_note(struct recent_failures *f, const struct digest *leaf,
	uint32_t row, struct run bytes, int error, int64_t now);
/* The error of a read that overlaps this one, 0 when there is none. */
int recent_failures_find(struct recent_failures *f, const struct digest *leaf, uint32_t row,
	struct run bytes, int64_t now);

#endif
