/* SPDX-License-Identifier: MIT */
/*
 * What was marked and is not known to be on the disk: a row for each instance of an object
 * and each user of the cache that marked chunks of it, written together with the marks,
 * removed once the user has flushed the file and looked at the result. Whoever opens an
 * object that has a row hashes what he reads; a user that dies leaves its rows behind.
 * Within a transaction, values in, values out.
 */
#ifndef CAIRN_CACHE_META_UNFLUSHED_H
#define CAIRN_CACHE_META_UNFLUSHED_H

#include <stdbool.h>

#include "cache/meta/table.h"
#include "format/object_id.h"

struct unflushed {
	uint64_t instance;
	uint32_t user;		 /* that marked */
	struct object_id object; /* that it is an instance of */
	uint64_t sequence;	 /* of its last mark, rising for each user */
};
int unflushed_put(struct metadata *m, MDB_txn *txn, const struct unflushed *u);
/* The user has flushed all that it marked up to that sequence. */
int unflushed_remove(
	struct metadata *m, MDB_txn *txn, uint32_t user, uint64_t instance, uint64_t upto);
/* The instance was thrown out: nobody asks any more. */
int unflushed_forget(struct metadata *m, MDB_txn *txn, uint64_t instance);
/* Is something of that instance not known to be on the disk? True also when that cannot be
 * told. */
bool unflushed_has(struct metadata *m, MDB_txn *txn, uint64_t instance);
/* Those who marked are all gone: each of the objects is to be hashed before its next use,
 * and has no row any more. *all: of some row it could not be told which object it was of.
 */
int unflushed_distrust_all(struct metadata *m, MDB_txn *txn, bool *all);

#endif
