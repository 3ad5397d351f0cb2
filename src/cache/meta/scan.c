/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/meta/scan.h"

#define ROWS_AT_ONCE 256
#define BYTES_AT_ONCE ((size_t)1 << 20)
#define KEY_MAX 511 /* LMDB's */

struct row {
	size_t key, key_size, value_size; /* offset in text, sizes */
};

struct run {
	struct row rows[ROWS_AT_ONCE];
	unsigned count;
	struct bytes text;
	uint8_t last[KEY_MAX + 1];
	size_t last_size;
	bool ended;
};

static int copy_row(struct run *r, struct span key, struct span value)
{
	struct row row = {r->text.size, key.size, value.size};
	int rc = bytes_append(&r->text, key.data, key.size);

	if (!rc)
		rc = bytes_append(&r->text, value.data, value.size);
	if (!rc)
		r->rows[r->count++] = row;
	return rc;
}

/* The next rows behind r->last. */
static int fill(struct cache *c, enum table table, struct run *r)
{
	struct metadata_cursor cursor = {0};
	struct span key, value, from = span_of(r->last, r->last_size);
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return rc;
	r->count = 0;
	bytes_clear(&r->text);
	while (!rc && r->count < ROWS_AT_ONCE && r->text.size < BYTES_AT_ONCE) {
		rc = metadata_next(c->metadata, txn, table, from, &cursor, &key, &raw);
		if (rc || key.size > KEY_MAX)
			continue;
		memcpy(r->last, key.data, key.size);
		r->last[key.size] = 0; /* the least that is behind it */
		r->last_size = key.size + 1;
		if (!metadata_value(&raw, &value))
			rc = copy_row(r, key, value);
	}
	metadata_cursor_close(&cursor);
	metadata_read_end(c->metadata, txn);
	r->ended = rc == ERR_ABSENT;
	return r->ended ? 0 : rc;
}

int scan_table(struct cache *c, enum table table,
	int (*each)(void *arg, struct span key, struct span value), void *arg)
{
	struct run *r = calloc(1, sizeof(*r));
	int rc = r ? 0 : ERR_NO_MEMORY;

	while (!rc && !r->ended) {
		rc = fill(c, table, r);
		for (unsigned i = 0; i < r->count && !rc; i++) {
			const struct row *row = &r->rows[i];
			const uint8_t *at = r->text.data + row->key;

			rc = each(arg, span_of(at, row->key_size),
				span_of(at + row->key_size, row->value_size));
		}
	}
	if (r)
		bytes_release(&r->text);
	free(r);
	return rc;
}
