/* SPDX-License-Identifier: MIT */
/*
 * Quota and floor within a write transaction: what the cache takes, and throwing out
 * objects in last-use order until something fits. Objects that are pinned have no row in
 * that order; those that are lent to a kernel, whose space would not become free, are
 * passed over; those that this process used in the last seconds go only when nothing else
 * is left. Files are unlinked before the commit: a record without a file is noticed and
 * harmless, a file without a record would be lost space.
 */
#ifndef CAIRN_CACHE_META_EVICTION_H
#define CAIRN_CACHE_META_EVICTION_H

#include "cache/meta/records.h"
#include "cache/state.h"

struct victim {
	struct digest digest;
	uint64_t instance;
};

/* Lives on the stack of one transaction; zero-initialise. */
struct room {
	struct cache *cache;
	MDB_txn *txn;
	struct totals_record totals, before;
	struct limits_record limits;
	uint64_t leases;	 /* bytes, of all users */
	uint64_t disk_free;	 /* bytes, when the transaction began */
	uint64_t freed;		 /* cost of what was thrown out */
	uint64_t freed_resident; /* its bytes */
	struct victim *victims;
	size_t victim_count, victim_capacity;
};

/* May be called again for the same struct (a transaction that is run again). */
int room_begin(struct room *r, struct cache *c, MDB_txn *txn);
/* Stores the totals. */
int room_end(struct room *r);
/* After the commit: this process forgets the victims. */
void room_settle(struct room *r);
void room_release(struct room *r);

/* Throws out until `need` more bytes fit. ERR_NO_SPACE, and nothing is thrown out when
 * all of it would not do. */
int room_make(struct room *r, uint64_t need);
/* Throws out, oldest first, until at most `target` resident bytes are left or `max`
 * objects went; *ended tells whether no more can go. */
int room_shrink(struct room *r, uint64_t target, unsigned max, bool *ended);
/* Throws out this object, whose record is `record`; `indexed` is the last use that its
 * row in the order has. ERR_BUSY, and nothing was done, when it is lent. */
int room_evict(struct room *r, const struct digest *digest,
	const struct object_record *record, int64_t indexed);
/* The same, lent or not: there is nothing good in it. */
int room_discard(struct room *r, const struct digest *digest,
	const struct object_record *record, int64_t indexed);
/* Removes the leases of users that died. *freed: their bytes. */
int room_reclaim(struct room *r, uint64_t *freed);

/* Limits as they are set; the defaults before that. */
int limits_load(struct cache *c, MDB_txn *txn, struct limits_record *out);
/* Totals; zero before anything was put. */
int totals_load(struct cache *c, MDB_txn *txn, struct totals_record *out);

#endif
