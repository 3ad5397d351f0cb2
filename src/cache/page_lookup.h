/* SPDX-License-Identifier: MIT */
/*
 * Pages and recipes of the cache, by digest: those that wait for their commit, and those
 * in the books. Any thread; no network.
 */
#ifndef CAIRN_CACHE_PAGE_LOOKUP_H
#define CAIRN_CACHE_PAGE_LOOKUP_H

#include <lmdb.h>

#include "cache/cache.h"
#include "format/blob_buffer.h"

/* One that waits, with a reference for the caller; NULL. */
struct blob_buffer *page_lookup_pending(struct cache *c, const struct digest *digest);
/* The packed bytes, borrowed from the transaction. ERR_ABSENT, also for a rotten one,
 * which is then deleted. */
int page_lookup(struct cache *c, MDB_txn *txn, const struct digest *digest,
	enum blob_kind *kind, struct span *packed);
/* Is it here, one way or the other? */
bool page_lookup_has(struct cache *c, const struct digest *digest);

#endif
