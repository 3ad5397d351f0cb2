/* SPDX-License-Identifier: MIT */
/*
 * For tests of the cache's books, and of what is above them: a directory of their own, the
 * books in it, objects and pages whose contents follow from a number, and rows as a rotten
 * or hostile table holds them. An object with the number n is of the instance n.
 */
#ifndef CAIRN_TESTS_META_SAMPLES_H
#define CAIRN_TESTS_META_SAMPLES_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cache/meta/changes.h"
#include "cache/meta/records.h"
#include "cache/meta/transaction.h"
#include "format/page_packer.h"
#include "util/clock.h"

#define SAMPLE_CHUNK 65536u

static inline int sample_remove_one(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void sample_remove(char *directory)
{
	nftw(directory, sample_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(directory);
}

static inline char *sample_directory(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/cairn-test-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(path));
	return path;
}

/* For tests whose state is just a directory. */
static inline int sample_setup(void **state)
{
	*state = sample_directory();
	return 0;
}

static inline int sample_teardown(void **state)
{
	sample_remove(*state);
	return 0;
}

#define SAMPLE_TEST(test)                                                                  \
	cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)

/* A packed inner page with `rows` children, under a name that follows from `number`. */
static inline struct blob_buffer *sample_page(unsigned number, unsigned rows)
{
	struct digest name = digest_of(&number, sizeof(number));
	struct page_packer *packer = page_packer_new(1);
	struct bytes packed = {0};
	struct blob_buffer *a;

	for (unsigned i = 0; i < rows; i++) {
		struct page_child child = {.digest = name, .entries = 1};
		char text[16];

		snprintf(text, sizeof(text), "%08u", i);
		child.last_name = span_of_string(text);
		assert_int_equal(page_packer_child(packer, &child), 0);
	}
	assert_int_equal(page_packer_finish(packer, &packed), 0);
	page_packer_free(packer);
	a = blob_buffer_new(BLOB_PAGE, &name, packed.size);
	memcpy(blob_buffer_data(a), packed.data, packed.size);
	bytes_release(&packed);
	return a;
}

/* Writes bytes of our own choice under a key: what a rotten or hostile table holds. */
struct raw_row {
	struct metadata *metadata;
	enum table table;
	struct span key, value;
	size_t flip; /* this byte of what is there is changed instead, when value is NULL */
};

static inline int sample_put_raw_row(MDB_txn *txn, void *arg)
{
	struct raw_row *r = arg;
	MDB_dbi table = metadata_table(r->metadata, r->table);
	MDB_val k = {r->key.size, (void *)(uintptr_t)r->key.data}, v;
	uint8_t *copy;
	int rc;

	if (r->value.data) {
		v = (MDB_val){r->value.size, (void *)(uintptr_t)r->value.data};
		return mdb_put(txn, table, &k, &v, 0) ? ERR_IO : 0;
	}
	if (mdb_get(txn, table, &k, &v) || r->flip >= v.mv_size)
		return ERR_ABSENT;
	copy = malloc(v.mv_size);
	memcpy(copy, v.mv_data, v.mv_size);
	copy[r->flip] ^= 1;
	v.mv_data = copy;
	rc = mdb_put(txn, table, &k, &v, 0);
	free(copy);
	return rc ? ERR_IO : 0;
}

static inline int sample_put_raw(
	struct metadata *m, enum table table, struct span key, struct span value)
{
	struct raw_row r = {m, table, key, value, 0};

	return metadata_write(m, DEADLINE_NONE, sample_put_raw_row, &r);
}

static inline int sample_flip_raw(
	struct metadata *m, enum table table, struct span key, size_t byte)
{
	struct raw_row r = {m, table, key, {NULL, 0}, byte};

	return metadata_write(m, DEADLINE_NONE, sample_put_raw_row, &r);
}

/* For tests whose state is a directory and the books in it. */
struct books {
	char *directory;
	struct metadata *metadata;
};

static inline struct metadata *books_open(const char *directory, size_t map)
{
	struct metadata *m = NULL;
	struct trouble t = {0};

	if (metadata_open(directory, map, DEADLINE_NONE, NULL, &m, &t))
		fail_msg("%s", t.text);
	return m;
}

static inline int books_setup(void **state)
{
	struct books *b = malloc(sizeof *b);

	b->directory = sample_directory();
	b->metadata = books_open(b->directory, 0);
	*state = b;
	return 0;
}

static inline int books_teardown(void **state)
{
	struct books *b = *state;

	metadata_close(b->metadata);
	sample_remove(b->directory);
	free(b);
	return 0;
}

#define BOOKS_TEST(test) cmocka_unit_test_setup_teardown(test, books_setup, books_teardown)

static inline void books_write(struct metadata *m, metadata_fn apply, void *arg)
{
	assert_int_equal(metadata_write(m, DEADLINE_NONE, apply, arg), 0);
}

static inline struct digest sample_digest(unsigned number)
{
	return digest_of(&number, sizeof number);
}

/* Of object `number`. */
static inline struct object_id sample_id(unsigned number)
{
	uint64_t both[2] = {number, UINT64_MAX};

	return (struct object_id){sample_digest(number), digest_of(both, sizeof both)};
}

static inline struct digest sample_chunk_digest(unsigned number, uint64_t ordinal)
{
	uint64_t both[2] = {number, ordinal};

	return digest_of(both, sizeof both);
}

/* Chunk `ordinal` of object `number`, which has `chunks` of SAMPLE_CHUNK bytes. */
static inline struct change books_mark(
	unsigned number, uint64_t chunks, uint64_t ordinal, int64_t seconds)
{
	return (struct change){.kind = CHANGE_MARK,
		.object = sample_id(number),
		.instance = number,
		.ordinal = ordinal,
		.start = ordinal * SAMPLE_CHUNK,
		.size = SAMPLE_CHUNK,
		.chunk = sample_chunk_digest(number, ordinal),
		.seconds = seconds,
		.creates = true,
		.object_size = chunks * SAMPLE_CHUNK,
		.chunks = chunks};
}

/* Another change to the same object. */
static inline struct change books_change(
	enum change_kind kind, unsigned number, uint64_t ordinal, int64_t seconds)
{
	struct change c = books_mark(number, 1, ordinal, seconds);

	c.kind = kind;
	c.creates = false;
	return c;
}

/* Takes its turn to write. */
static inline int books_try_commit(
	struct metadata *m, int64_t deadline, struct changes *c, struct outcome *o)
{
	int rc = metadata_lock(m, deadline);

	if (rc)
		return rc;
	rc = transaction_commit(m, c, o);
	metadata_unlock(m);
	return rc;
}

static inline struct outcome books_commit(struct metadata *m, struct changes *c)
{
	struct outcome o;

	assert_int_equal(books_try_commit(m, DEADLINE_NONE, c, &o), 0);
	return o;
}

/* For those who want nothing of the outcome. */
static inline void books_apply(struct metadata *m, struct changes *c)
{
	struct outcome o = books_commit(m, c);

	outcome_release(&o);
}

/* Object `number`, all of it, last used at `seconds`, of that instance. */
static inline void books_add_instance(struct metadata *m, unsigned number,
	uint64_t instance, uint64_t chunks, int64_t seconds)
{
	struct change *ops = calloc(chunks, sizeof *ops);
	struct changes c = {.epoch = {1, 1}, .ops = ops, .op_count = chunks};

	for (uint64_t i = 0; i < chunks; i++) {
		ops[i] = books_mark(number, chunks, i, seconds);
		ops[i].number = i;
		ops[i].instance = instance;
	}
	books_apply(m, &c);
	free(ops);
}

static inline void books_add(
	struct metadata *m, unsigned number, uint64_t chunks, int64_t seconds)
{
	books_add_instance(m, number, number, chunks, seconds);
}

static inline void books_apply_one(struct metadata *m, struct change op)
{
	struct changes c = {.epoch = {1, 1}, .ops = &op, .op_count = 1};

	books_apply(m, &c);
}

static inline int books_put_lease_now(MDB_txn *txn, void *arg)
{
	const struct raw_row *r = arg;

	return lease_put(r->metadata, txn, (uint32_t)r->flip, r->value.size);
}

static inline void books_put_lease(struct metadata *m, uint32_t user, uint64_t bytes)
{
	struct raw_row r = {.metadata = m, .value = {NULL, bytes}, .flip = user};

	books_write(m, books_put_lease_now, &r);
}

static inline void books_pin(struct metadata *m, const char *name, unsigned number)
{
	struct pin_change pin = {(char *)(uintptr_t)name, sample_id(number)};
	struct changes c = {.pins = &pin, .pin_count = 1};

	books_apply(m, &c);
}

static inline int books_set_limits_now(MDB_txn *txn, void *arg)
{
	void **a = arg;

	return setting_put(a[0], txn, SETTING_LIMITS, a[1], sizeof(struct limits_record));
}

static inline void books_set_limits(struct metadata *m, uint64_t quota, uint64_t floor)
{
	struct limits_record limits = {quota, floor};
	void *arg[2] = {m, &limits};

	books_write(m, books_set_limits_now, arg);
}

/* The record, without its bitmap; `bit` of it (may be NULL) is that of `ordinal`. */
static inline int books_record_bit(struct metadata *m, unsigned number,
	struct object_record *out, uint64_t ordinal, bool *bit)
{
	struct object_id id = sample_id(number);
	MDB_txn *txn;
	int rc;

	assert_int_equal(metadata_read(m, &txn), 0);
	rc = object_record_get(m, txn, &id, out);
	metadata_read_end(m, txn);
	if (rc)
		return rc;
	if (bit)
		*bit = out->bitmap[ordinal / 64] >> (ordinal % 64) & 1;
	object_record_release(out);
	return 0;
}

static inline int books_record(
	struct metadata *m, unsigned number, struct object_record *out)
{
	return books_record_bit(m, number, out, 0, NULL);
}

static inline bool books_has_record(struct metadata *m, unsigned number)
{
	struct object_record r;

	return books_record(m, number, &r) == 0;
}

static inline bool books_has_chunk(struct metadata *m, unsigned number, uint64_t ordinal)
{
	struct object_record r;
	bool bit = false;

	return books_record_bit(m, number, &r, ordinal, &bit) == 0 && bit;
}

static inline bool books_has_key(struct metadata *m, enum table table, struct span key)
{
	MDB_txn *txn;
	bool has;

	assert_int_equal(metadata_read(m, &txn), 0);
	has = table_has_key(m, txn, table, key);
	metadata_read_end(m, txn);
	return has;
}

/* Has it a row in the order of eviction, with that last use? */
static inline bool books_has_use(struct metadata *m, unsigned number, int64_t seconds)
{
	struct object_id id = sample_id(number);
	uint8_t key[USE_KEY_SIZE];

	return books_has_key(m, TABLE_USE, use_key(seconds, &id, key));
}

static inline uint64_t books_count(struct metadata *m, enum table table)
{
	uint64_t count;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	count = table_count(m, txn, table);
	metadata_read_end(m, txn);
	return count;
}

static inline struct totals_record books_totals(struct metadata *m)
{
	struct totals_record totals = {0};
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	setting_get(m, txn, SETTING_TOTALS, &totals, sizeof totals);
	metadata_read_end(m, txn);
	return totals;
}

/* ERR_ABSENT, ERR_CORRUPT. */
static inline int books_lease_get(
	struct metadata *m, MDB_txn *txn, uint32_t user, uint64_t *bytes)
{
	struct table_cursor cursor = {0};
	struct span key;
	uint32_t found;
	MDB_val raw;
	int rc = table_next(
		m, txn, TABLE_LEASES, span_of(&user, sizeof user), &cursor, &key, &raw);

	if (!rc)
		rc = lease_decode(key, &raw, &found, bytes);
	table_cursor_close(&cursor);
	return !rc && found != user ? ERR_ABSENT : rc;
}

/* Of a user: 0 when there is none. */
static inline uint64_t books_lease(struct metadata *m, uint32_t user)
{
	uint64_t bytes = 0;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	if (books_lease_get(m, txn, user, &bytes))
		bytes = 0;
	metadata_read_end(m, txn);
	return bytes;
}

static inline int books_put_row(MDB_txn *txn, void *arg)
{
	const struct raw_row *r = arg;

	return table_put(r->metadata, txn, r->table, r->key, r->value, span_of(NULL, 0));
}

/* With the checksum that the program gives its own values: hostile, not rotten. */
static inline void books_put(
	struct metadata *m, enum table table, struct span key, struct span value)
{
	struct raw_row r = {m, table, key, value, 0};

	books_write(m, books_put_row, &r);
}

#endif
