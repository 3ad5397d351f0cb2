/* SPDX-License-Identifier: MIT */
/*
 * Counts the totals again from the records, after something went wrong (a user of the
 * cache was killed, a record was rotten), and sees to it that each object that may go has
 * its row in the order of eviction. In slices, while others write.
 */
#ifndef CAIRN_CACHE_META_RECOUNT_H
#define CAIRN_CACHE_META_RECOUNT_H

#include "cache/meta/changes.h"

/* The leases of the `count` users in `dead` lapse. *broken: records that were not to be
 * read, and went. `wait` (ns) is for others, each time; ERR_TIMEOUT: that was too short, or
 * they counted at the same time. */
int recount(struct metadata *m, int64_t wait, const uint32_t *dead, size_t count,
	uint64_t *broken);

#endif
