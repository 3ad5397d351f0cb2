/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/scan.h"
#include "unit/meta_samples.h"

struct filling {
	struct metadata *m;
	unsigned first, count;
	size_t size;
};

static void key_of(unsigned i, uint8_t key[4])
{
	for (unsigned k = 0; k < 4; k++)
		key[k] = (uint8_t)(i >> (24 - 8 * k));
}

static int fill_now(MDB_txn *txn, void *arg)
{
	const struct filling *f = arg;
	uint8_t *value = calloc(1, f->size + 1), key[4];
	int rc = 0;

	for (unsigned i = f->first; i < f->first + f->count && !rc; i++) {
		memset(value, (int)i, f->size);
		key_of(i, key);
		rc = table_put(f->m, txn, TABLE_URLS, span_of(key, 4),
			span_of(value, f->size), span_of(NULL, 0));
	}
	free(value);
	return rc;
}

static void fill(struct books *b, unsigned first, unsigned count, size_t size)
{
	struct filling f = {b->metadata, first, count, size};

	books_write(b->metadata, fill_now, &f);
}

static void assert_row(struct scan *s, unsigned i, size_t size)
{
	struct span key, value;
	uint8_t expected[4];

	key_of(i, expected);
	assert_int_equal(scan_next(s, &key, &value), 0);
	assert_int_equal(key.size, 4);
	assert_memory_equal(key.data, expected, 4);
	assert_int_equal(value.size, size);
	for (size_t k = 0; k < size; k++)
		assert_int_equal(value.data[k], (uint8_t)i);
}

static void assert_end(struct scan *s)
{
	struct span key, value;

	assert_int_equal(scan_next(s, &key, &value), ERR_ABSENT);
	assert_int_equal(scan_next(s, &key, &value), ERR_ABSENT);
	scan_free(s);
}

static void test_an_empty_table(void **state)
{
	struct books *b = *state;

	assert_end(scan_new(b->metadata, TABLE_URLS));
	scan_free(NULL);
}

static void test_all_rows_in_order(void **state)
{
	struct books *b = *state;
	static const unsigned counts[] = {1, 255, 256, 257, 1000};
	unsigned have = 0;

	for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
		struct scan *s;

		fill(b, have, counts[k] - have, 10);
		have = counts[k];
		s = scan_new(b->metadata, TABLE_URLS);
		for (unsigned i = 0; i < have; i++)
			assert_row(s, i, 10);
		assert_end(s);
	}
}

static void test_large_values(void **state)
{
	struct books *b = *state;
	struct scan *s;

	fill(b, 0, 10, 700 << 10);
	s = scan_new(b->metadata, TABLE_URLS);
	for (unsigned i = 0; i < 10; i++)
		assert_row(s, i, 700 << 10);
	assert_end(s);
}

/* Meanwhile others write: no transaction is open, and what comes behind is seen. */
static void test_changes_meanwhile(void **state)
{
	struct books *b = *state;
	struct scan *s;

	fill(b, 0, 300, 10);
	s = scan_new(b->metadata, TABLE_URLS);
	for (unsigned i = 0; i < 100; i++)
		assert_row(s, i, 10);
	fill(b, 300, 100, 10);
	for (unsigned i = 100; i < 400; i++)
		assert_row(s, i, 10);
	assert_end(s);
}

static void test_rotten_rows_are_passed_over(void **state)
{
	struct books *b = *state;
	struct scan *s;
	uint8_t key[4];

	fill(b, 0, 5, 10);
	key_of(0, key);
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_URLS, span_of(key, 4), 12), 0);
	key_of(3, key);
	assert_int_equal(sample_put_raw(b->metadata, TABLE_URLS, span_of(key, 4),
				 span_of("short", 5)),
		0);
	s = scan_new(b->metadata, TABLE_URLS);
	assert_row(s, 1, 10);
	assert_row(s, 2, 10);
	assert_row(s, 4, 10);
	assert_end(s);
}

/* All rows of a batch are rotten: those behind it come all the same. */
static void test_a_rotten_stretch(void **state)
{
	struct books *b = *state;
	struct scan *s;
	uint8_t key[511];

	for (unsigned i = 1; i <= 30; i++) {
		memset(key, 0, sizeof key);
		assert_int_equal(sample_put_raw(b->metadata, TABLE_URLS,
					 span_of(key, sizeof key - i), span_of("x", 1)),
			0);
	}
	fill(b, 1, 1, 10);
	s = scan_new(b->metadata, TABLE_URLS);
	assert_row(s, 1, 10);
	assert_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_an_empty_table),
		BOOKS_TEST(test_all_rows_in_order),
		BOOKS_TEST(test_large_values),
		BOOKS_TEST(test_changes_meanwhile),
		BOOKS_TEST(test_rotten_rows_are_passed_over),
		BOOKS_TEST(test_a_rotten_stretch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
