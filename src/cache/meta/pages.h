/* SPDX-License-Identifier: MIT */
/*
 * Pages and recipes in the metadata: looking one up, with its checksum verified once per
 * process; putting those of a batch. When a quota is set, pages take at most a part of
 * it: then others go at random (their keys are digests), which needs no record of use.
 */
#ifndef CAIRN_CACHE_META_PAGES_H
#define CAIRN_CACHE_META_PAGES_H

#include "cache/meta/eviction.h"
#include "cache/meta/transaction.h"

/* The packed bytes, borrowed from the transaction. ERR_ABSENT, also for a rotten one,
 * which is then deleted. */
int pages_get(struct cache *c, MDB_txn *txn, const struct digest *digest,
	enum blob_kind *kind, struct span *packed);
/* Deletes and puts what the batch says. No room: the pages are not kept. */
int pages_apply(struct room *r, struct batch *b);
/* Deletes about `bytes` of pages, at random. */
int pages_thin(struct room *r, uint64_t bytes);

#endif
