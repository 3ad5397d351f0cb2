/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/records.h"
#include "cache/meta/unflushed.h"

/* As stored. */
struct unflushed_value {
	struct object_id object;
	uint64_t sequence;
};

static int row_decode(struct span value, struct unflushed_value *out)
{
	if (value.size != sizeof *out)
		return ERR_CORRUPT;
	memcpy(out, value.data, sizeof *out);
	return 0;
}

static int row_get(
	struct metadata *m, MDB_txn *txn, struct span key, struct unflushed_value *out)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_UNFLUSHED, key, &value);

	return rc ? rc : row_decode(value, out);
}

int unflushed_put(struct metadata *m, MDB_txn *txn, const struct unflushed *u)
{
	uint8_t key[CHUNK_KEY_SIZE];
	struct unflushed_value v = {u->object, u->sequence};

	return table_put(m, txn, TABLE_UNFLUSHED, chunk_key(u->instance, u->user, key),
		span_of(&v, sizeof v), span_of(NULL, 0));
}

int unflushed_remove(
	struct metadata *m, MDB_txn *txn, uint32_t user, uint64_t instance, uint64_t upto)
{
	uint8_t key[CHUNK_KEY_SIZE];
	struct unflushed_value v;
	int rc = row_get(m, txn, chunk_key(instance, user, key), &v);

	/* A rotten one does not say what it is of: it stays until nobody is here. */
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT || (!rc && v.sequence > upto))
		return 0;
	return rc ? rc : table_delete(m, txn, TABLE_UNFLUSHED, span_of(key, sizeof key));
}

/* A row of that instance. ERR_ABSENT: there is none. */
static int row_of_instance(
	struct metadata *m, MDB_txn *txn, uint64_t instance, uint8_t key[CHUNK_KEY_SIZE])
{
	struct table_cursor cursor = {0};
	struct span from = instance_key(instance, key), found;
	MDB_val raw;
	int rc = table_next(m, txn, TABLE_UNFLUSHED, from, &cursor, &found, &raw);

	if (!rc && (found.size != CHUNK_KEY_SIZE ||
			   memcmp(found.data, from.data, from.size) != 0))
		rc = ERR_ABSENT;
	if (!rc)
		memcpy(key, found.data, CHUNK_KEY_SIZE);
	table_cursor_close(&cursor);
	return rc;
}

int unflushed_forget(struct metadata *m, MDB_txn *txn, uint64_t instance)
{
	uint8_t key[CHUNK_KEY_SIZE];
	int rc;

	do {
		rc = row_of_instance(m, txn, instance, key);
		if (!rc)
			rc = table_delete(
				m, txn, TABLE_UNFLUSHED, span_of(key, sizeof key));
	} while (!rc);
	return rc == ERR_ABSENT ? 0 : rc;
}

bool unflushed_has(struct metadata *m, MDB_txn *txn, uint64_t instance)
{
	uint8_t key[CHUNK_KEY_SIZE];

	return row_of_instance(m, txn, instance, key) != ERR_ABSENT;
}

/* One that is not there any more, or another instance, is no matter. */
static int distrust(
	struct metadata *m, MDB_txn *txn, uint64_t instance, const struct object_id *object)
{
	struct object_record r;
	int rc = object_record_get(m, txn, object, &r);

	if (rc)
		return rc == ERR_ABSENT || rc == ERR_CORRUPT ? 0 : rc;
	if (r.instance == instance) {
		r.generation = GENERATION_NONE;
		rc = object_record_put(m, txn, object, &r);
	}
	object_record_release(&r);
	return rc;
}

struct unflushed_row {
	size_t key_size;
	uint8_t key[TABLE_KEY_MAX];
	uint64_t instance;
	struct unflushed_value value;
	bool readable;
};

static int row_first(struct metadata *m, MDB_txn *txn, struct unflushed_row *out)
{
	struct table_cursor cursor = {0};
	struct span key, value;
	uint64_t user;
	MDB_val raw;
	int rc = table_next(m, txn, TABLE_UNFLUSHED, span_of(NULL, 0), &cursor, &key, &raw);

	if (!rc && key.size > sizeof out->key)
		rc = metadata_damaged(m);
	if (!rc) {
		memcpy(out->key, key.data, key.size);
		out->key_size = key.size;
		out->readable = !chunk_key_decode(key, &out->instance, &user) &&
				!table_value(&raw, &value) &&
				!row_decode(value, &out->value);
	}
	table_cursor_close(&cursor);
	return rc;
}

/* *all: of one of them it could not be told what it was of. */
static int distrust_first(struct metadata *m, MDB_txn *txn, bool *all)
{
	struct unflushed_row row;
	int rc = row_first(m, txn, &row);

	if (!rc)
		rc = table_remove(m, txn, TABLE_UNFLUSHED, span_of(row.key, row.key_size));
	if (!rc && row.readable)
		rc = distrust(m, txn, row.instance, &row.value.object);
	else if (!rc)
		*all = true;
	return rc;
}

int unflushed_distrust_all(struct metadata *m, MDB_txn *txn, bool *all)
{
	bool unknown = false;
	int rc = 0;

	while (!rc)
		rc = distrust_first(m, txn, &unknown);
	if (rc != ERR_ABSENT)
		return rc;
	*all = unknown;
	return 0;
}
