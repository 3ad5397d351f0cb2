/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/pins.h"
#include "cache/meta/recount.h"
#include "cache/meta/space.h"

#define KEY_MAX 511 /* LMDB's */

struct recounting {
	struct metadata *m;
	const uint32_t *dead;
	size_t dead_count;
	uint64_t broken; /* records that went */
};

/* Adds one record to the totals, and sees to its row in the order of eviction. */
static int count_object(
	struct recounting *k, struct space *s, struct span key, const MDB_val *raw)
{
	uint8_t use[USE_KEY_SIZE];
	struct object_record r;
	struct object_id object;
	struct span value;

	if (object_key_decode(key, &object) || table_value(raw, &value) ||
		object_record_peek(value, &r)) {
		k->broken++;
		return table_remove(k->m, s->txn, TABLE_OBJECTS, key);
	}
	s->totals.resident += r.resident;
	s->totals.cost += r.cost;
	use_key(r.last_use, &object, use);
	if (pins_has(k->m, s->txn, &object) ||
		table_has_key(k->m, s->txn, TABLE_USE, span_of(use, sizeof use)))
		return 0;
	return table_put_key(k->m, s->txn, TABLE_USE, span_of(use, sizeof use));
}

/* The record at or behind `at`, which becomes the least key behind it. */
static int count_next(struct recounting *k, struct space *s, struct bytes *at)
{
	struct table_cursor cursor = {0};
	uint8_t copy[KEY_MAX + 1];
	struct span key;
	MDB_val raw;
	int rc = table_next(
		k->m, s->txn, TABLE_OBJECTS, span_of_bytes(at), &cursor, &key, &raw);

	if (!rc && key.size > KEY_MAX)
		rc = ERR_CORRUPT;
	if (!rc) {
		memcpy(copy, key.data, key.size);
		copy[key.size] = 0;
		bytes_clear(at);
		rc = bytes_append(at, copy, key.size + 1);
	}
	if (!rc)
		rc = count_object(k, s, span_of(copy, key.size), &raw);
	table_cursor_close(&cursor);
	return rc;
}

static int count_objects(struct recounting *k, struct space *s)
{
	struct bytes at = {0};
	int rc;

	k->broken = 0;
	s->totals.resident = s->totals.cost = 0;
	do {
		rc = count_next(k, s, &at);
	} while (!rc);
	bytes_release(&at);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int recount_apply(MDB_txn *txn, void *arg)
{
	struct recounting *k = arg;
	struct space s;
	bool rot = false;
	int rc = space_begin(&s, k->m, txn, 0, &rot);

	if (!rc)
		rc = space_end_leases(&s, k->dead, k->dead_count);
	if (!rc)
		rc = count_objects(k, &s);
	if (rc)
		return rc;
	s.totals.changes += k->broken != 0;
	return space_end(&s);
}

int recount(struct metadata *m, int64_t deadline, const uint32_t *dead, size_t count,
	uint64_t *broken)
{
	struct recounting k = {.m = m, .dead = dead, .dead_count = count};
	int rc = metadata_write(m, deadline, recount_apply, &k);

	if (!rc)
		*broken = k.broken;
	return rc;
}
