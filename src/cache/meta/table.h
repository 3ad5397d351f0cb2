/* SPDX-License-Identifier: MIT */
/*
 * Rows of the metadata's tables within a transaction: values that carry a checksum, so
 * that rot is noticed before it is believed, and cursors. Knows nothing of what the
 * values mean (records.h). A transaction belongs to one thread.
 */
#ifndef CAIRN_CACHE_META_TABLE_H
#define CAIRN_CACHE_META_TABLE_H

#include "cache/meta/metadata.h"
#include "util/bytes.h"
#include "util/digest.h"

#define TABLE_KEY_MAX 511  /* bytes, LMDB's */
#define TABLE_CHECK_SIZE 8 /* bytes of checksum before each value */

/* The value behind its checksum, borrowed from the transaction. ERR_ABSENT, ERR_CORRUPT. */
int table_get(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value);
/* The same without looking at the checksum; table_check() looks. */
int table_get_unchecked(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value);
/* `value` as table_get_unchecked or a cursor (less TABLE_CHECK_SIZE) gave it. */
int table_check(struct span value);
/* What a cursor gave: behind the checksum, checked. */
int table_value(const MDB_val *raw, struct span *value);
/* head and then body, either may be empty, stored under one checksum. */
int table_put(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span head, struct span body);
/* A key without a value. */
int table_put_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
bool table_has_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
/* Absent is fine. */
int table_delete(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
/* One that was seen in this transaction: when it cannot be found, the file is damaged. */
int table_remove(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
/* All rows. */
int table_clear(struct metadata *m, MDB_txn *txn, enum table table);
uint64_t table_count(struct metadata *m, MDB_txn *txn, enum table table);
/* Bytes of the table's leaf and overflow pages. */
uint64_t table_bytes(struct metadata *m, MDB_txn *txn, enum table table);

/* Steps through a table in key order in one transaction. Zero-initialise. */
struct table_cursor {
	struct metadata *metadata;
	MDB_cursor *cursor;
	bool started;
	size_t key_size;
	uint8_t key[TABLE_KEY_MAX]; /* of the last row */
};
/* The next (first: at or after `from`, which may be empty) row, raw value. ERR_ABSENT at
 * the end; ERR_CORRUPT when keys do not rise. */
int table_next(struct metadata *m, MDB_txn *txn, enum table table, struct span from,
	struct table_cursor *c, struct span *key, MDB_val *raw);
void table_cursor_close(struct table_cursor *c);

static inline struct span span_of_digest(const struct digest *d)
{
	return (struct span){d->bytes, DIGEST_SIZE};
}

#endif
