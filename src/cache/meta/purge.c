/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/purge.h"
#include "cache/meta/records.h"

#define PURGE_MAX 2048 /* rows in one transaction */

/* Rows of one instance that was thrown out. */
static int purge_rows(
	struct metadata *m, MDB_txn *txn, struct span instance, unsigned *left)
{
	uint8_t row[CHUNK_KEY_SIZE];
	struct chunk_record chunk;
	struct place_record place;
	struct span key, value;
	MDB_val raw;
	int rc = 0;

	while (!rc && *left) {
		struct table_cursor cursor = {0};

		rc = table_next(m, txn, TABLE_CHUNKS, instance, &cursor, &key, &raw);
		if (!rc && (key.size != sizeof(row) ||
				   memcmp(key.data, instance.data, instance.size) != 0))
			rc = ERR_ABSENT;
		if (!rc) {
			uint64_t number, ordinal;

			memcpy(row, key.data, sizeof(row));
			chunk_key_decode(span_of(row, sizeof(row)), &number, &ordinal);
			if (!table_value(&raw, &value) &&
				!chunk_record_decode(value, &chunk) &&
				!place_record_get(m, txn, &chunk.digest, &place) &&
				place.instance == number)
				rc = table_delete(m, txn, TABLE_PLACES,
					span_of_digest(&chunk.digest));
			if (!rc)
				rc = table_delete(
					m, txn, TABLE_CHUNKS, span_of(row, sizeof(row)));
			(*left)--;
		}
		table_cursor_close(&cursor);
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
		if (key.size == sizeof(instance)) {
			memcpy(instance, key.data, sizeof(instance));
			key = span_of(instance, sizeof(instance));
			rc = purge_rows(m, txn, key, &left);
			if (rc != ERR_ABSENT)
				break;
		}
		rc = table_delete(m, txn, TABLE_PURGE, key);
	}
	*more = !left;
	return rc == ERR_ABSENT ? 0 : rc;
}
