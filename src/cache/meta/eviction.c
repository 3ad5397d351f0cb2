/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/write/writer.h"
#include "util/array.h"
#include "cache/objects/open_objects.h"
#include "cache/meta/eviction.h"

/* What no count covers: directories of objects/ (256 of 4 KiB), lock files, LMDB's
 * reader table, pages that it takes for a commit under way. */
#define OVERHEAD (UINT64_C(2) << 20)
#define EVICT_MAX 512 /* objects in one transaction: LMDB bounds its dirty pages */

int limits_load(struct cache *c, MDB_txn *txn, struct limits_record *out)
{
	struct limits_record limits = {.quota = 0, .floor = CACHE_FLOOR_DEFAULT};
	int rc = setting_get(c->metadata, txn, SETTING_LIMITS, &limits, sizeof(limits));

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*out = limits;
	return 0;
}

int totals_load(struct cache *c, MDB_txn *txn, struct totals_record *out)
{
	struct totals_record totals = {0};
	int rc = setting_get(c->metadata, txn, SETTING_TOTALS, &totals, sizeof(totals));

	if (rc == ERR_CORRUPT)
		committer_ask_repair(c->committer);
	else if (rc && rc != ERR_ABSENT)
		return rc;
	*out = totals;
	return 0;
}

typedef int (*lease_fn)(struct room *r, uint32_t user, uint64_t bytes);

static int each_lease(struct room *r, lease_fn each)
{
	struct metadata_cursor cursor = {0};
	struct span key;
	MDB_val raw;
	uint32_t user;
	uint64_t bytes;
	int rc;

	for (;;) {
		rc = metadata_next(r->cache->metadata, r->txn, TABLE_LEASES,
			span_of(NULL, 0), &cursor, &key, &raw);
		if (rc)
			break;
		if (lease_decode(key, &raw, &user, &bytes))
			continue;
		rc = each(r, user, bytes);
		if (rc)
			break;
	}
	metadata_cursor_close(&cursor);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int add_lease(struct room *r, uint32_t user, uint64_t bytes)
{
	(void)user;
	r->leases += bytes;
	return 0;
}

int room_begin(struct room *r, struct cache *c, MDB_txn *txn)
{
	struct victim *victims = r->victims;
	size_t capacity = r->victim_capacity;
	int rc;

	*r = (struct room){
		.cache = c, .txn = txn, .victims = victims, .victim_capacity = capacity};
	rc = limits_load(c, txn, &r->limits);
	if (!rc)
		rc = totals_load(c, txn, &r->totals);
	if (!rc)
		rc = each_lease(r, add_lease);
	if (!rc)
		rc = directory_free_bytes(&c->directory, &r->disk_free);
	r->before = r->totals;
	return rc;
}

int room_end(struct room *r)
{
	if (memcmp(&r->totals, &r->before, sizeof(r->totals)) == 0)
		return 0;
	return setting_put(
		r->cache->metadata, r->txn, SETTING_TOTALS, &r->totals, sizeof(r->totals));
}

void room_settle(struct room *r)
{
	for (size_t i = 0; i < r->victim_count; i++)
		open_objects_forget(r->cache->open_objects, &r->victims[i].digest,
			r->victims[i].instance);
}

void room_release(struct room *r)
{
	free(r->victims);
	*r = (struct room){0};
}

static uint64_t over(uint64_t sum, uint64_t bound)
{
	return sum > bound ? sum - bound : 0;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* By how many bytes quota or floor would be missed. */
static uint64_t deficit(const struct room *r, uint64_t need)
{
	uint64_t wanted = sum_of(r->leases, need), quota = 0, floor;

	if (r->limits.quota)
		quota = over(sum_of(sum_of(wanted, r->totals.cost),
				     metadata_bytes(r->cache->metadata) + OVERHEAD),
			r->limits.quota);
	/* Without a floor, too, what the disk does not have cannot be promised. */
	floor = over(sum_of(wanted, r->limits.floor), sum_of(r->disk_free, r->freed));
	return quota > floor ? quota : floor;
}

static int note_victim(struct room *r, const struct digest *digest, uint64_t instance)
{
	int rc = array_grow(
		&r->victims, &r->victim_capacity, r->victim_count, sizeof(*r->victims));

	if (!rc)
		r->victims[r->victim_count++] = (struct victim){*digest, instance};
	return rc;
}

/* Its file is gone. */
static int remove_record(struct room *r, const struct digest *digest,
	const struct object_record *record, int64_t indexed)
{
	struct metadata *m = r->cache->metadata;
	uint8_t key[USE_KEY_SIZE], row[CHUNK_KEY_SIZE];
	int rc = note_victim(r, digest, record->instance);

	if (!rc)
		rc = metadata_delete(m, r->txn, TABLE_OBJECTS, span_of_digest(digest));
	if (!rc)
		rc = metadata_delete(m, r->txn, TABLE_USE, use_key(indexed, digest, key));
	if (!rc && record->chunks > 1)
		rc = metadata_put_key(m, r->txn, TABLE_PURGE,
			span_of(chunk_key(record->instance, 0, row).data,
				sizeof(uint64_t)));
	if (rc)
		return rc;
	r->totals.cost = over(r->totals.cost, record->cost);
	r->totals.resident = over(r->totals.resident, record->resident);
	r->totals.changes++;
	r->freed += record->cost;
	r->freed_resident += record->resident;
	return 0;
}

int room_evict(struct room *r, const struct digest *digest,
	const struct object_record *record, int64_t indexed)
{
	int rc = directory_evict_object(&r->cache->directory, digest, record->instance);

	return rc ? rc : remove_record(r, digest, record, indexed);
}

int room_discard(struct room *r, const struct digest *digest,
	const struct object_record *record, int64_t indexed)
{
	int rc = directory_remove_object(&r->cache->directory, digest, record->instance);

	return rc ? rc : remove_record(r, digest, record, indexed);
}

/* One row of the order. A row without its object, or out of date, only goes. */
static int evict_row(struct room *r, struct span key, bool spare_busy, bool *spared)
{
	struct metadata *m = r->cache->metadata;
	struct object_record record;
	struct digest digest;
	struct span value;
	int64_t last_use;
	int rc = use_key_decode(key, &last_use, &digest);

	if (!rc)
		rc = metadata_get(
			m, r->txn, TABLE_OBJECTS, span_of_digest(&digest), &value);
	if (!rc)
		rc = object_record_peek(value, &record);
	if (rc == ERR_CORRUPT)
		committer_ask_repair(r->cache->committer);
	if (rc == ERR_CORRUPT || rc == ERR_ABSENT || (!rc && record.last_use != last_use))
		return metadata_delete(m, r->txn, TABLE_USE, key);
	if (rc)
		return rc;
	*spared = spare_busy && open_objects_busy(r->cache->open_objects, &digest);
	if (!*spared)
		rc = room_evict(r, &digest, &record, last_use);
	if (rc == ERR_BUSY)
		*spared = true;
	return *spared ? 0 : rc;
}

/* Goes through the order while `go` says so. */
static int evict_while(struct room *r, bool spare_busy, unsigned *left,
	bool (*go)(const struct room *r, uint64_t bound), uint64_t bound)
{
	struct metadata *m = r->cache->metadata;
	uint8_t copy[USE_KEY_SIZE];
	struct span key, from = {NULL, 0};
	MDB_val raw;
	int rc = 0;

	while (!rc && *left && go(r, bound)) {
		struct metadata_cursor cursor = {0};
		bool spared = false;

		/* Deleting moves what a cursor stands on, so each step seeks anew; what was
		 * spared is still there. */
		rc = metadata_next(m, r->txn, TABLE_USE, from, &cursor, &key, &raw);
		if (!rc && from.size && span_equal(key, from))
			rc = metadata_next(m, r->txn, TABLE_USE, from, &cursor, &key, &raw);
		if (!rc && key.size != USE_KEY_SIZE)
			rc = metadata_delete(m, r->txn, TABLE_USE, key);
		else if (!rc) {
			memcpy(copy, key.data, USE_KEY_SIZE);
			from = span_of(copy, USE_KEY_SIZE);
			rc = evict_row(r, from, spare_busy, &spared);
			if (!spared)
				(*left)--;
		}
		metadata_cursor_close(&cursor);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

static bool is_over_limits(const struct room *r, uint64_t need)
{
	return deficit(r, need) > 0;
}

static bool is_over_target(const struct room *r, uint64_t target)
{
	return r->totals.resident > target;
}

int room_make(struct room *r, uint64_t need)
{
	unsigned left = EVICT_MAX;
	uint64_t freed;
	int rc = 0;

	if (!deficit(r, need))
		return 0;
	rc = room_reclaim(r, &freed);
	/* In vain: then rather keep what there is. */
	if (!rc && deficit(r, need) > r->totals.cost)
		return ERR_NO_SPACE;
	if (!rc)
		rc = evict_while(r, true, &left, is_over_limits, need);
	if (!rc)
		rc = evict_while(r, false, &left, is_over_limits, need);
	if (!rc && deficit(r, need))
		rc = ERR_NO_SPACE;
	return rc;
}

int room_shrink(struct room *r, uint64_t target, unsigned max, bool *ended)
{
	unsigned left = max < EVICT_MAX ? max : EVICT_MAX;
	int rc = evict_while(r, true, &left, is_over_target, target);

	if (!rc)
		rc = evict_while(r, false, &left, is_over_target, target);
	if (!rc)
		*ended = left > 0;
	return rc;
}

#define RECLAIM_MAX 64

struct reclaim {
	uint32_t users[RECLAIM_MAX];
	unsigned count;
	uint64_t bytes;
};

static int find_dead(struct room *r, struct reclaim *dead)
{
	struct metadata_cursor cursor = {0};
	struct span key;
	MDB_val raw;
	uint32_t user;
	uint64_t bytes;
	int rc = 0;

	while (!rc && dead->count < RECLAIM_MAX) {
		rc = metadata_next(r->cache->metadata, r->txn, TABLE_LEASES,
			span_of(NULL, 0), &cursor, &key, &raw);
		if (rc || key.size != sizeof(user))
			continue;
		memcpy(&user, key.data, sizeof(user));
		if (directory_user_lives(&r->cache->directory, user))
			continue;
		dead->users[dead->count++] = user;
		if (!lease_decode(key, &raw, &user, &bytes))
			dead->bytes += bytes;
	}
	metadata_cursor_close(&cursor);
	return rc == ERR_ABSENT ? 0 : rc;
}

int room_reclaim(struct room *r, uint64_t *freed)
{
	struct reclaim dead = {.count = 0};
	int rc = find_dead(r, &dead);

	for (unsigned i = 0; i < dead.count && !rc; i++)
		rc = lease_delete(r->cache->metadata, r->txn, dead.users[i]);
	if (rc)
		return rc;
	r->leases = over(r->leases, dead.bytes);
	*freed = dead.bytes;
	/* What it wrote and did not commit has no record. */
	if (dead.count)
		committer_ask_repair(r->cache->committer);
	return 0;
}
