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

struct scan {
	struct metadata *m;
	enum table table;
	struct row rows[ROWS_AT_ONCE];
	unsigned count, at;
	struct bytes text;
	uint8_t last[KEY_MAX + 1];
	size_t last_size;
	bool ended;
};

static int copy_row(struct scan *s, struct span key, struct span value)
{
	struct row row = {s->text.size, key.size, value.size};
	int rc = bytes_append(&s->text, key.data, key.size);

	if (!rc)
		rc = bytes_append(&s->text, value.data, value.size);
	if (!rc)
		s->rows[s->count++] = row;
	return rc;
}

/* The next rows behind s->last. */
static int scan_more(struct scan *s)
{
	struct table_cursor cursor = {0};
	struct span key, value, from = span_of(s->last, s->last_size);
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(s->m, &txn);

	if (rc)
		return rc;
	s->count = s->at = 0;
	bytes_clear(&s->text);
	while (!rc && s->count < ROWS_AT_ONCE && s->text.size < BYTES_AT_ONCE) {
		rc = table_next(s->m, txn, s->table, from, &cursor, &key, &raw);
		if (rc || key.size > KEY_MAX)
			continue;
		memcpy(s->last, key.data, key.size);
		s->last[key.size] = 0; /* the least that is behind it */
		s->last_size = key.size + 1;
		if (!table_value(&raw, &value))
			rc = copy_row(s, key, value);
	}
	table_cursor_close(&cursor);
	metadata_read_end(s->m, txn);
	s->ended = rc == ERR_ABSENT;
	return s->ended ? 0 : rc;
}

struct scan *scan_new(struct metadata *m, enum table table)
{
	struct scan *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->m = m;
	s->table = table;
	return s;
}

void scan_free(struct scan *s)
{
	if (!s)
		return;
	bytes_release(&s->text);
	free(s);
}

int scan_next(struct scan *s, struct span *key, struct span *value)
{
	const struct row *row;

	while (s->at == s->count) {
		int rc = s->ended ? ERR_ABSENT : scan_more(s);

		if (rc)
			return rc;
	}
	row = &s->rows[s->at++];
	*key = span_of_part(&s->text, row->key, row->key_size);
	*value = span_of_part(&s->text, row->key + row->key_size, row->value_size);
	return 0;
}
