/* SPDX-License-Identifier: MIT */
/*
 * After something went wrong (a user of the cache was killed, a record was rotten):
 * counts the totals again from the records, and removes files that no record knows and
 * whose maker is dead. On the committer's thread.
 */
#ifndef CAIRN_CACHE_WRITE_REPAIR_H
#define CAIRN_CACHE_WRITE_REPAIR_H

struct cache;
void repair_cache(struct cache *c);

#endif
