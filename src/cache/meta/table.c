/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <string.h>

#include "util/checksum.h"
#include "cache/meta/table.h"

static MDB_val val_of(struct span s)
{
	return (MDB_val){s.size, (void *)(uintptr_t)s.data};
}

int table_get_unchecked(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value)
{
	MDB_val k = val_of(key), v;
	int rc = mdb_get(txn, metadata_table(m, table), &k, &v);

	if (rc)
		return metadata_error(m, rc);
	if (v.mv_size < TABLE_CHECK_SIZE)
		return ERR_CORRUPT;
	*value = span_of(
		(uint8_t *)v.mv_data + TABLE_CHECK_SIZE, v.mv_size - TABLE_CHECK_SIZE);
	return 0;
}

int table_check(struct span value)
{
	uint64_t sum;

	assert(value.data);
	memcpy(&sum, value.data - TABLE_CHECK_SIZE, sizeof sum);
	return sum == checksum_of(value.data, value.size) ? 0 : ERR_CORRUPT;
}

int table_get(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value)
{
	struct span v = {0};
	int rc = table_get_unchecked(m, txn, table, key, &v);

	if (!rc)
		rc = table_check(v);
	if (!rc)
		*value = v;
	return rc;
}

int table_value(const MDB_val *raw, struct span *value)
{
	struct span v;

	if (raw->mv_size < TABLE_CHECK_SIZE)
		return ERR_CORRUPT;
	v = span_of((const uint8_t *)raw->mv_data + TABLE_CHECK_SIZE,
		raw->mv_size - TABLE_CHECK_SIZE);
	if (table_check(v))
		return ERR_CORRUPT;
	*value = v;
	return 0;
}

int table_put(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span head, struct span body)
{
	MDB_val k = val_of(key);
	MDB_val v = {TABLE_CHECK_SIZE + head.size + body.size, NULL};
	uint8_t *at;
	uint64_t sum;
	int rc = mdb_put(txn, metadata_table(m, table), &k, &v, MDB_RESERVE);

	if (rc)
		return metadata_error(m, rc);
	at = (uint8_t *)v.mv_data + TABLE_CHECK_SIZE;
	if (head.size)
		memcpy(at, head.data, head.size);
	if (body.size)
		memcpy(at + head.size, body.data, body.size);
	sum = checksum_of(at, head.size + body.size);
	memcpy(v.mv_data, &sum, sizeof sum);
	return 0;
}

int table_put_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	MDB_val k = val_of(key), v = {0, NULL};

	return metadata_error(m, mdb_put(txn, metadata_table(m, table), &k, &v, 0));
}

bool table_has_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	MDB_val k = val_of(key), v;

	return mdb_get(txn, metadata_table(m, table), &k, &v) == 0;
}

int table_delete(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	MDB_val k = val_of(key);
	int rc = mdb_del(txn, metadata_table(m, table), &k, NULL);

	return rc == MDB_NOTFOUND ? 0 : metadata_error(m, rc);
}

uint64_t table_count(struct metadata *m, MDB_txn *txn, enum table table)
{
	MDB_stat stat;

	return mdb_stat(txn, metadata_table(m, table), &stat) ? 0 : stat.ms_entries;
}

uint64_t table_bytes(struct metadata *m, MDB_txn *txn, enum table table)
{
	MDB_stat stat;

	if (mdb_stat(txn, metadata_table(m, table), &stat))
		return 0;
	return (stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
}

int table_next(struct metadata *m, MDB_txn *txn, enum table table, struct span from,
	struct table_cursor *c, struct span *key, MDB_val *raw)
{
	MDB_val k = val_of(from);
	MDB_cursor_op op = c->started ? MDB_NEXT : from.size ? MDB_SET_RANGE : MDB_FIRST;
	int rc = 0;

	if (!c->cursor)
		rc = mdb_cursor_open(txn, metadata_table(m, table), &c->cursor);
	if (!rc)
		rc = mdb_cursor_get(c->cursor, &k, raw, op);
	if (rc)
		return metadata_error(m, rc);
	c->started = true;
	*key = span_of(k.mv_data, k.mv_size);
	return 0;
}

void table_cursor_close(struct table_cursor *c)
{
	if (c->cursor)
		mdb_cursor_close(c->cursor);
	*c = (struct table_cursor){0};
}
