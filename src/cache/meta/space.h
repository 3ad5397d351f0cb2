/* SPDX-License-Identifier: MIT */
/*
 * Quota, floor and leases within a transaction: what the cache takes, what of it may
 * still be written, and by how much that would be too much. Whoever writes objects holds
 * a lease, so that several processes keep one quota at every instant.
 */
#ifndef CAIRN_CACHE_META_SPACE_H
#define CAIRN_CACHE_META_SPACE_H

#include "cache/meta/changes.h"
#include "cache/meta/readers.h"
#include "cache/meta/records.h"
#include "cache/meta/victims.h"

/* a - b, and nothing below zero: sums of a record that was rotten may not add up. */
static inline uint64_t less_or_none(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Lives on the stack of one transaction. */
struct space {
	struct metadata *m;
	MDB_txn *txn;
	struct totals_record totals, before;
	struct limits_record limits;
	uint64_t leases;    /* bytes, of all users */
	uint64_t disk_free; /* bytes, when the transaction began */
	struct victims_sum victims;
	struct readers_lag lag;
};

/* *rot (set, never cleared): the totals were not to be read. */
int space_begin(
	struct space *s, struct metadata *m, MDB_txn *txn, uint64_t disk_free, bool *rot);
/* Stores the totals. */
int space_end(struct space *s);

/* How large the file of the books may become: a part of what there can be at most. It is
 * kept by not adding to it; what has to be written for other reasons may go beyond. */
uint64_t space_metadata_cap(const struct space *s);
/* May the books grow? */
enum growth space_growth(const struct space *s);
/* The same; when they may not, the outcome says why. */
bool space_may_grow(const struct space *s, struct outcome *o);

/* How many bytes have to be made free before `need` more can be used, beside those of
 * victims, which are free to be. */
uint64_t space_deficit(const struct space *s, uint64_t need);
/* The larger of these two. */
uint64_t space_over_quota(const struct space *s, uint64_t need);
uint64_t space_under_floor(const struct space *s, uint64_t need);
/* Can they be used now? Nothing is promised before it is seen to be free. */
bool space_has(const struct space *s, uint64_t need);
/* Says in the outcome what is missing for `need` more bytes: they are to be made free, or
 * to become so. */
void space_ask(const struct space *s, uint64_t need, struct outcome *o);

/* The leases of users that died lapse. */
int space_end_leases(struct space *s, const uint32_t *users, size_t count);
/* The lease of changes shrinks by `applied` bytes, which became resident, and grows again
 * while it is used. */
int space_renew_lease(struct space *s, const struct changes *c, uint64_t released,
	uint64_t applied, struct outcome *o);

/* Limits as they are set; the defaults before that. */
int limits_load(struct metadata *m, MDB_txn *txn, struct limits_record *out);
/* Totals; zero before anything was put, and when they are rotten. */
int totals_load(struct metadata *m, MDB_txn *txn, struct totals_record *out, bool *rot);

/* Outside of a transaction: the deficit and totals as they are. */
int space_look(struct metadata *m, uint64_t disk_free, struct space *out);
/* The users that have a lease: at most `max` into `out`. */
int space_users(struct metadata *m, uint32_t *out, size_t max, size_t *count);
int space_give_up_lease(struct metadata *m, int64_t deadline, uint32_t user);

#endif
