/* SPDX-License-Identifier: MIT */
/*
 * Objects that were thrown out, until their space is seen to be free: another process may
 * hold the file open, and some file systems free late. Their bytes count as free to be,
 * lest they be made free twice, and are not promised before they are free. The rows are
 * also what finds files whose evictor died before it unlinked them. Within a transaction.
 */
#ifndef CAIRN_CACHE_META_VICTIMS_H
#define CAIRN_CACHE_META_VICTIMS_H

#include "cache/meta/changes.h"
#include "cache/meta/table.h"

/* By that user of the cache. */
int victims_add(struct metadata *m, MDB_txn *txn, uint32_t user, const struct victim *v);
/* Absent is fine. */
int victims_remove(struct metadata *m, MDB_txn *txn, uint64_t instance);
/* Their cost, bytes; at most UINT64_MAX. */
int victims_sum(struct metadata *m, MDB_txn *txn, uint64_t *bytes);
/* The first at or after `instance`, with its evictor. ERR_ABSENT; rotten ones are passed
 * over. */
int victims_next(struct metadata *m, MDB_txn *txn, uint64_t instance, struct victim *out,
	uint32_t *user);

#endif
