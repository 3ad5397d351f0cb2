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

/* Arguments of the calls into LMDB. */
struct row_call {
	MDB_txn *txn;
	MDB_dbi table;
	MDB_val key, value;
	unsigned flags;
};

static struct row_call row_call_of(
	struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	return (struct row_call){
		.txn = txn, .table = metadata_table(m, table), .key = val_of(key)};
}

static int call_get(void *arg)
{
	struct row_call *c = arg;

	return mdb_get(c->txn, c->table, &c->key, &c->value);
}

static int call_put(void *arg)
{
	struct row_call *c = arg;

	return mdb_put(c->txn, c->table, &c->key, &c->value, c->flags);
}

static int call_delete(void *arg)
{
	struct row_call *c = arg;

	return mdb_del(c->txn, c->table, &c->key, NULL);
}

static int call_drop(void *arg)
{
	struct row_call *c = arg;

	return mdb_drop(c->txn, c->table, 0);
}

struct stat_call {
	MDB_txn *txn;
	MDB_dbi table;
	MDB_stat stat;
};

static int call_stat(void *arg)
{
	struct stat_call *c = arg;

	return mdb_stat(c->txn, c->table, &c->stat);
}

int table_get_unchecked(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value)
{
	struct row_call c = row_call_of(m, txn, table, key);
	int rc = metadata_call(m, call_get, &c);

	if (rc)
		return rc;
	if (c.value.mv_size < TABLE_CHECK_SIZE)
		return ERR_CORRUPT;
	*value = span_of((uint8_t *)c.value.mv_data + TABLE_CHECK_SIZE,
		c.value.mv_size - TABLE_CHECK_SIZE);
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
	struct row_call c = row_call_of(m, txn, table, key);
	uint8_t *at;
	uint64_t sum;
	int rc;

	c.value.mv_size = TABLE_CHECK_SIZE + head.size + body.size;
	c.flags = MDB_RESERVE;
	rc = metadata_call(m, call_put, &c);
	if (rc)
		return rc;
	at = (uint8_t *)c.value.mv_data + TABLE_CHECK_SIZE;
	if (head.size)
		memcpy(at, head.data, head.size);
	if (body.size)
		memcpy(at + head.size, body.data, body.size);
	sum = checksum_of(at, head.size + body.size);
	memcpy(c.value.mv_data, &sum, sizeof sum);
	return 0;
}

int table_put_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	struct row_call c = row_call_of(m, txn, table, key);

	return metadata_call(m, call_put, &c);
}

bool table_has_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	struct row_call c = row_call_of(m, txn, table, key);

	return metadata_call(m, call_get, &c) == 0;
}

int table_delete(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	struct row_call c = row_call_of(m, txn, table, key);
	int rc = metadata_call(m, call_delete, &c);

	return rc == ERR_ABSENT ? 0 : rc;
}

int table_remove(struct metadata *m, MDB_txn *txn, enum table table, struct span key)
{
	struct row_call c = row_call_of(m, txn, table, key);
	int rc = metadata_call(m, call_delete, &c);

	return rc == ERR_ABSENT ? metadata_damaged(m) : rc;
}

int table_clear(struct metadata *m, MDB_txn *txn, enum table table)
{
	struct row_call c = row_call_of(m, txn, table, span_of(NULL, 0));

	return metadata_call(m, call_drop, &c);
}

/* All zero when it cannot be read. */
static MDB_stat stat_of(struct metadata *m, MDB_txn *txn, enum table table)
{
	struct stat_call c = {.txn = txn, .table = metadata_table(m, table)};

	if (metadata_call(m, call_stat, &c))
		c.stat = (MDB_stat){0};
	return c.stat;
}

uint64_t table_count(struct metadata *m, MDB_txn *txn, enum table table)
{
	return stat_of(m, txn, table).ms_entries;
}

uint64_t table_bytes(struct metadata *m, MDB_txn *txn, enum table table)
{
	MDB_stat stat = stat_of(m, txn, table);

	return (stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
}

struct cursor_call {
	MDB_txn *txn;
	MDB_dbi table;
	MDB_cursor *cursor;
	MDB_val key, *raw;
	MDB_cursor_op op;
};

static int call_next(void *arg)
{
	struct cursor_call *c = arg;
	int rc = c->cursor ? 0 : mdb_cursor_open(c->txn, c->table, &c->cursor);

	return rc ? rc : mdb_cursor_get(c->cursor, &c->key, c->raw, c->op);
}

/* Keys rise; else the cursor goes round in the file. What is no key of LMDB's is none. */
static bool cursor_advances(const struct table_cursor *c, struct span from, struct span key)
{
	if (key.size < 1 || key.size > TABLE_KEY_MAX)
		return false;
	if (!c->started)
		return span_compare(key, from) >= 0;
	return span_compare(key, span_of(c->key, c->key_size)) > 0;
}

int table_next(struct metadata *m, MDB_txn *txn, enum table table, struct span from,
	struct table_cursor *c, struct span *key, MDB_val *raw)
{
	struct cursor_call call = {.txn = txn,
		.table = metadata_table(m, table),
		.cursor = c->cursor,
		.key = val_of(from),
		.raw = raw,
		.op = c->started  ? MDB_NEXT
		      : from.size ? MDB_SET_RANGE
				  : MDB_FIRST};
	int rc = metadata_call(m, call_next, &call);
	struct span found = span_of(call.key.mv_data, call.key.mv_size);

	c->metadata = m;
	c->cursor = call.cursor;
	if (rc)
		return rc;
	if (!cursor_advances(c, from, found))
		return metadata_damaged(m);
	memcpy(c->key, found.data, found.size);
	c->key_size = found.size;
	c->started = true;
	*key = found;
	return 0;
}

static int call_close_cursor(void *arg)
{
	mdb_cursor_close(arg);
	return 0;
}

void table_cursor_close(struct table_cursor *c)
{
	if (c->cursor)
		metadata_call(c->metadata, call_close_cursor, c->cursor);
	c->cursor = NULL;
	c->started = false;
}
