/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/pins.h"
#include "cache/write/repair.h"
#include "cache/meta/eviction.h"

struct recount {
	struct cache *cache;
	uint64_t broken; /* records that went */
};

/* Adds one record to the totals, and sees to its row in the order of eviction. */
static int count_object(
	struct recount *k, struct room *room, struct span key, const MDB_val *raw)
{
	struct metadata *m = k->cache->metadata;
	uint8_t use[USE_KEY_SIZE];
	struct object_record r;
	struct digest digest;
	struct span value;

	if (key.size != DIGEST_SIZE || metadata_value(raw, &value) ||
		object_record_peek(value, &r)) {
		k->broken++;
		return metadata_delete(m, room->txn, TABLE_OBJECTS, key);
	}
	memcpy(digest.bytes, key.data, DIGEST_SIZE);
	room->totals.resident += r.resident;
	room->totals.cost += r.cost;
	use_key(r.last_use, &digest, use);
	if (pins_has(k->cache, room->txn, &digest) ||
		metadata_has_key(m, room->txn, TABLE_USE, span_of(use, sizeof(use))))
		return 0;
	return metadata_put_key(m, room->txn, TABLE_USE, span_of(use, sizeof(use)));
}

static int count_objects(struct recount *k, struct room *room)
{
	uint8_t at[DIGEST_SIZE + 1];
	struct span from = {NULL, 0}, key;
	MDB_val raw;
	int rc = 0;

	while (!rc) {
		struct metadata_cursor cursor = {0};
		uint8_t copy[512];

		rc = metadata_next(k->cache->metadata, room->txn, TABLE_OBJECTS, from,
			&cursor, &key, &raw);
		if (!rc && key.size <= sizeof(copy)) {
			size_t size = key.size < DIGEST_SIZE ? key.size : DIGEST_SIZE;

			/* The next is behind this key with one more byte. */
			memcpy(copy, key.data, key.size);
			key = span_of(copy, key.size);
			memcpy(at, copy, size);
			at[size] = 0;
			from = span_of(at, size + 1);
			rc = count_object(k, room, key, &raw);
		}
		metadata_cursor_close(&cursor);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

static int recount(MDB_txn *txn, void *arg)
{
	struct recount *k = arg;
	struct room room = {0};
	uint64_t freed;
	int rc = room_begin(&room, k->cache, txn);

	k->broken = 0;
	room.totals.resident = room.totals.cost = 0;
	if (!rc)
		rc = room_reclaim(&room, &freed);
	if (!rc)
		rc = count_objects(k, &room);
	room.totals.changes += k->broken != 0;
	if (!rc)
		rc = room_end(&room);
	room_release(&room);
	return rc;
}

struct sweep {
	struct cache *cache;
	uint64_t removed;
};

/* Its maker lives, or has committed a record of it. */
static bool is_wanted(struct cache *c, const struct digest *digest, uint64_t instance)
{
	struct object_record r;
	struct span value;
	uint32_t maker = INSTANCE_USER(instance);
	MDB_txn *txn;
	bool wanted;

	/* In this order: once it is dead, all its commits are done. */
	if (directory_user_lives(&c->directory, maker) || metadata_read(c->metadata, &txn))
		return true;
	wanted = metadata_get(c->metadata, txn, TABLE_OBJECTS, span_of_digest(digest),
			 &value) == 0 &&
		 object_record_peek(value, &r) == 0 && r.instance == instance;
	metadata_read_end(c->metadata, txn);
	return wanted;
}

static int sweep_file(void *ctx, const struct digest *digest, uint64_t instance)
{
	struct sweep *s = ctx;

	if (is_wanted(s->cache, digest, instance))
		return 0;
	if (!directory_remove_object(&s->cache->directory, digest, instance))
		s->removed++;
	return 0;
}

void repair_cache(struct cache *c)
{
	struct recount k = {.cache = c};
	struct sweep s = {.cache = c};
	int rc = metadata_write(c->metadata, recount, &k);

	if (rc)
		log_warning(c->log, "cache: cannot count what %s holds: %s",
			c->directory.path, error_text(rc));
	directory_each_object(&c->directory, sweep_file, &s);
	if (k.broken)
		log_warning(c->log, "cache: threw out %llu rotten records",
			(unsigned long long)k.broken);
	if (s.removed)
		log_info(c->log, "cache: removed %llu files that were left over",
			(unsigned long long)s.removed);
}
