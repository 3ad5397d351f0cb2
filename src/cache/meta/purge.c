/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/purge.h"
#include "cache/meta/records.h"

#define PURGE_MAX 2048 /* rows in one transaction */

/* The place of a chunk whose row goes, if it is this one's. */
static int forget_place(
	struct metadata *m, MDB_txn *txn, uint64_t instance, const MDB_val *raw)
{
	struct chunk_record chunk;
	struct place_record place;
	struct span value;

	if (table_value(raw, &value) || chunk_record_decode(value, &chunk) ||
		place_record_get(m, txn, &chunk.digest, &place) ||
		place.instance != instance)
		return 0;
	return table_delete(m, txn, TABLE_PLACES, span_of_digest(&chunk.digest));
}

/* The first row of an instance that was thrown out. ERR_ABSENT: it has none left. */
static int purge_row(struct metadata *m, MDB_txn *txn, struct span instance)
{
	struct table_cursor cursor = {0};
	uint8_t row[TABLE_KEY_MAX];
	uint64_t number, ordinal;
	struct span key;
	MDB_val raw;
	int rc = table_next(m, txn, TABLE_CHUNKS, instance, &cursor, &key, &raw);

	if (!rc && (key.size < instance.size || key.size > sizeof row ||
			   memcmp(key.data, instance.data, instance.size) != 0))
		rc = ERR_ABSENT;
	if (!rc) {
		/* Deleting moves what the key stands on. */
		memcpy(row, key.data, key.size);
		key.data = row;
		/* One that is no chunk's has no place. */
		if (!chunk_key_decode(key, &number, &ordinal))
			rc = forget_place(m, txn, number, &raw);
	}
	if (!rc)
		rc = table_remove(m, txn, TABLE_CHUNKS, key);
	table_cursor_close(&cursor);
	return rc;
}

static int purge_rows(
	struct metadata *m, MDB_txn *txn, struct span instance, unsigned *left)
{
	int rc = 0;

	while (!rc && *left) {
		rc = purge_row(m, txn, instance);
		(*left)--;
	}
	return rc;
}

int purge_some(struct metadata *m, MDB_txn *txn, bool *more)
{
	unsigned left = PURGE_MAX;
	uint8_t instance[sizeof(uint64_t)];
	struct span key;
	MDB_val raw;
	int rc = 0;

	while (!rc && left) {
		struct table_cursor cursor = {0};

		rc = table_next(m, txn, TABLE_PURGE, span_of(NULL, 0), &cursor, &key, &raw);
		table_cursor_close(&cursor);
		if (rc)
			break;
		if (key.size == sizeof instance) {
			memcpy(instance, key.data, sizeof instance);
			key = span_of(instance, sizeof instance);
			rc = purge_rows(m, txn, key, &left);
			if (rc != ERR_ABSENT)
				break;
		}
		rc = table_remove(m, txn, TABLE_PURGE, key);
	}
	*more = !left;
	return rc == ERR_ABSENT ? 0 : rc;
}
