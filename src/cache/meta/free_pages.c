/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/free_pages.h"

/* LMDB's table 0 maps a transaction to the pages it freed: a count, then the numbers. It
 * can be read only in a read transaction. */
struct free_count {
	MDB_txn *txn;
	size_t since;
	uint64_t bytes;
};

static int count_rows(struct free_count *f, MDB_cursor *cursor)
{
	size_t count, txn, before = 0, pages = 0;
	MDB_val k = {sizeof f->since, &f->since}, v;
	MDB_stat stat;
	int rc = mdb_env_stat(mdb_txn_env(f->txn), &stat);

	if (!rc)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	for (; !rc; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		if (k.mv_size != sizeof txn || v.mv_size < sizeof count)
			return MDB_CORRUPTED;
		memcpy(&txn, k.mv_data, sizeof txn);
		memcpy(&count, v.mv_data, sizeof count);
		if (txn <= before || count >= v.mv_size / sizeof count)
			return MDB_CORRUPTED;
		before = txn;
		pages += count;
	}
	if (rc != MDB_NOTFOUND)
		return rc;
	f->bytes = (uint64_t)pages * stat.ms_psize;
	return 0;
}

static int call_count_free(void *arg)
{
	struct free_count *f = arg;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(f->txn, 0, &cursor);

	if (rc)
		return rc;
	rc = count_rows(f, cursor);
	mdb_cursor_close(cursor);
	return rc;
}

uint64_t free_pages_since(struct metadata *m, size_t since)
{
	struct free_count f = {.since = since};

	if (metadata_read_within(m, &f.txn))
		return 0;
	(void)metadata_call(m, call_count_free, &f);
	metadata_read_end(m, f.txn);
	return f.bytes;
}
