/* SPDX-License-Identifier: MIT */
/*
 * What the writer's thread looks after once a second: open objects that another process
 * threw out (they would keep the disk space), a new epoch of trust, victims whose space
 * was not seen to be free, slots of dead readers, a lease that nobody draws from, what the
 * log still has to tell.
 */
#ifndef CAIRN_CACHE_WRITE_HOUSEKEEPING_H
#define CAIRN_CACHE_WRITE_HOUSEKEEPING_H

#include "cache/write/write_context.h"

/* Zero-initialised; belongs to one thread. */
struct housekeeping {
	int64_t next; /* CLOCK_MONOTONIC ns */
	int64_t next_readers;
	bool distrust;	  /* a new epoch was entered, and not all is closed yet */
	uint64_t changes; /* of the totals, when open objects were last looked at */
	uint64_t leased;  /* at the last look */
};

bool housekeeping_is_due(const struct housekeeping *h);
/* True when the lease should be given back. */
bool housekeeping_run(struct housekeeping *h, struct write_context *x);

#endif
