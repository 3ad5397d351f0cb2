/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/records.h"
#include "cache/meta/victims.h"

/* As stored, by instance. */
struct victim_value {
	struct object_id object;
	uint64_t cost;
	uint64_t user;
	int64_t since;
	uint64_t state;
};

int victims_add(struct metadata *m, MDB_txn *txn, uint32_t user, const struct victim *v)
{
	uint8_t key[CHUNK_KEY_SIZE];
	const struct victim_value value = {v->object, v->cost, user, v->since, v->state};

	return table_put(m, txn, TABLE_VICTIMS, instance_key(v->instance, key),
		span_of(&value, sizeof value), span_of(NULL, 0));
}

int victims_remove(struct metadata *m, MDB_txn *txn, uint64_t instance)
{
	uint8_t key[CHUNK_KEY_SIZE];

	return table_delete(m, txn, TABLE_VICTIMS, instance_key(instance, key));
}

static int victim_decode(
	struct span key, const MDB_val *raw, struct victim *out, uint32_t *user)
{
	struct victim_value v;
	struct span value;
	uint64_t instance;

	if (instance_key_decode(key, &instance) || table_value(raw, &value) ||
		value.size != sizeof v)
		return ERR_CORRUPT;
	memcpy(&v, value.data, sizeof v);
	if (v.cost > OBJECT_SIZE_CAP || v.user > UINT32_MAX || v.state > VICTIM_STUCK)
		return ERR_CORRUPT;
	*out = (struct victim){.object = v.object,
		.instance = instance,
		.cost = v.cost,
		.since = v.since,
		.state = (enum victim_state)v.state};
	*user = (uint32_t)v.user;
	return 0;
}

int victims_next(struct metadata *m, MDB_txn *txn, uint64_t instance, struct victim *out,
	uint32_t *user)
{
	struct table_cursor cursor = {0};
	uint8_t from[CHUNK_KEY_SIZE];
	struct span key;
	MDB_val raw;
	int rc;

	do {
		rc = table_next(m, txn, TABLE_VICTIMS, instance_key(instance, from),
			&cursor, &key, &raw);
	} while (!rc && victim_decode(key, &raw, out, user));
	table_cursor_close(&cursor);
	return rc;
}

int victims_note(struct metadata *m, MDB_txn *txn, const struct victim_note *note)
{
	struct victim v;
	uint32_t user;
	int rc = victims_next(m, txn, note->instance, &v, &user);

	if (rc == ERR_ABSENT || (!rc && v.instance != note->instance))
		return 0;
	v.state = note->state;
	return rc ? rc : victims_add(m, txn, user, &v);
}

static uint64_t *sum_of_state(struct victims_sum *sum, enum victim_state state)
{
	switch (state) {
	case VICTIM_GONE:
		return &sum->gone;
	case VICTIM_STUCK:
		return &sum->stuck;
	default:
		return &sum->held;
	}
}

int victims_sum(struct metadata *m, MDB_txn *txn, struct victims_sum *out)
{
	struct victims_sum sum = {0};
	uint64_t at = 0, *bytes;
	struct victim v;
	uint32_t user;
	int rc;

	for (;;) {
		rc = victims_next(m, txn, at, &v, &user);
		if (rc)
			break;
		bytes = sum_of_state(&sum, v.state);
		if (__builtin_add_overflow(*bytes, v.cost, bytes))
			*bytes = UINT64_MAX;
		if (__builtin_add_overflow(v.instance, 1, &at))
			break;
	}
	if (rc && rc != ERR_ABSENT)
		return rc;
	*out = sum;
	return 0;
}
