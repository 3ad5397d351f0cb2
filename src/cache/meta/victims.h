/* SPDX-License-Identifier: MIT */
/*
 * Objects that were thrown out, until their space is free: another process may hold the
 * file open, some file systems free late, and a file may be there to stay. What is to come
 * counts as such, lest it be made free twice, and is not promised before it is free; what
 * is still on the disk counts against the quota. The rows are also what finds files whose
 * evictor died before it removed them. Within a transaction.
 */
#ifndef CAIRN_CACHE_META_VICTIMS_H
#define CAIRN_CACHE_META_VICTIMS_H

#include "cache/meta/changes.h"
#include "cache/meta/table.h"

/* By that user of the cache. */
int victims_add(struct metadata *m, MDB_txn *txn, uint32_t user, const struct victim *v);
/* Absent is fine. */
int victims_remove(struct metadata *m, MDB_txn *txn, uint64_t instance);
/* Absent is fine. */
int victims_note(struct metadata *m, MDB_txn *txn, const struct victim_note *note);
/* Their cost by state, bytes; at most UINT64_MAX. */
struct victims_sum {
	uint64_t held, gone, stuck;
};
int victims_sum(struct metadata *m, MDB_txn *txn, struct victims_sum *out);
/* The first at or after `instance`, with its evictor. ERR_ABSENT; rotten ones are passed
 * over. */
int victims_next(struct metadata *m, MDB_txn *txn, uint64_t instance, struct victim *out,
	uint32_t *user);

#endif
