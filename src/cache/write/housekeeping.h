/* SPDX-License-Identifier: MIT */
/*
 * What the committer's thread looks after once a second: handles of objects that another
 * process threw out (they would keep the disk space), slots of dead readers, a lease
 * that nobody draws from.
 */
#ifndef CAIRN_CACHE_WRITE_HOUSEKEEPING_H
#define CAIRN_CACHE_WRITE_HOUSEKEEPING_H

#include <stdbool.h>
#include <stdint.h>

struct cache;

/* Zero-initialised; belongs to one thread. */
struct housekeeping {
	int64_t next; /* CLOCK_MONOTONIC ns */
	int64_t next_readers;
	uint64_t changes; /* of the totals, when handles were last looked at */
	uint64_t leased;  /* at the last look */
};

bool housekeeping_is_due(const struct housekeeping *u);
/* True when the lease should be given back. */
bool housekeeping_run(struct housekeeping *u, struct cache *c);

#endif
