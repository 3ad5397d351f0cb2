/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/purge.h"
#include "unit/meta_samples.h"

struct purging {
	struct metadata *m;
	bool more;
};

static int purge_now(MDB_txn *txn, void *arg)
{
	struct purging *p = arg;

	return purge_some(p->m, txn, &p->more);
}

static bool purge(struct books *b)
{
	struct purging p = {.m = b->metadata};

	books_write(b->metadata, purge_now, &p);
	return p.more;
}

static bool has_place(struct books *b, unsigned number, uint64_t ordinal)
{
	struct digest chunk = sample_chunk_digest(number, ordinal);

	return books_has_key(b->metadata, TABLE_PLACES, span_of_digest(&chunk));
}

static int ask_now(MDB_txn *txn, void *arg)
{
	const struct raw_row *r = arg;

	return table_put_key(r->metadata, txn, TABLE_PURGE, r->key);
}

/* As eviction does: the rows of that instance are to go. */
static void ask(struct books *b, uint64_t instance)
{
	uint8_t key[CHUNK_KEY_SIZE];
	struct raw_row r = {.metadata = b->metadata, .key = instance_key(instance, key)};

	books_write(b->metadata, ask_now, &r);
}

static void test_nothing_to_do(void **state)
{
	struct books *b = *state;

	books_add(b->metadata, 1, 3, 1000);
	assert_false(purge(b));
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 3);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 3);
}

static void test_rows_of_one_instance(void **state)
{
	struct books *b = *state;

	for (unsigned i = 1; i <= 3; i++)
		books_add(b->metadata, i, 3, 1000);
	ask(b, 2);
	assert_false(purge(b));
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 6);
	assert_int_equal(books_count(b->metadata, TABLE_PURGE), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(has_place(b, 1, i));
		assert_false(has_place(b, 2, i));
		assert_true(has_place(b, 3, i));
	}
}

/* A place that has moved to another instance is not ours to delete. */
static void test_places_of_others_stay(void **state)
{
	struct books *b = *state;
	struct change op = books_mark(2, 3, 1, 1000);

	books_add(b->metadata, 1, 3, 1000);
	op.chunk = sample_chunk_digest(1, 0);
	books_apply_one(b->metadata, op);
	ask(b, 1);
	assert_false(purge(b));
	assert_true(has_place(b, 1, 0));
	assert_false(has_place(b, 1, 1));
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 1);
}

static void test_a_part_at_a_time(void **state)
{
	struct books *b = *state;
	unsigned calls = 0;

	books_add(b->metadata, 1, 5000, 1000);
	books_add(b->metadata, 2, 10, 1000);
	ask(b, 1);
	ask(b, 2);
	while (purge(b)) {
		calls++;
		assert_true(calls < 10);
		assert_true(books_count(b->metadata, TABLE_CHUNKS) < 5010);
		assert_true(books_count(b->metadata, TABLE_PURGE) > 0);
	}
	assert_true(calls >= 1);
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PURGE), 0);
}

static void test_hostile_rows(void **state)
{
	struct books *b = *state;
	uint8_t key[CHUNK_KEY_SIZE + 1] = {0};
	struct raw_row odd = {.metadata = b->metadata, .key = span_of("odd", 3)};

	books_add(b->metadata, 1, 3, 1000);
	books_add(b->metadata, 2, 3, 1000);
	/* A row that is no instance, one without chunks, chunks that are not to be read,
	 * and one with a key of a wrong size. */
	books_write(b->metadata, ask_now, &odd);
	ask(b, 55);
	ask(b, 1);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_CHUNKS, chunk_key(1, 0, key), 10), 0);
	books_put(b->metadata, TABLE_CHUNKS, chunk_key(1, 1, key), span_of("x", 1));
	chunk_key(1, 7, key);
	books_put(b->metadata, TABLE_CHUNKS, span_of(key, sizeof key), span_of("x", 1));
	assert_false(purge(b));
	assert_int_equal(books_count(b->metadata, TABLE_PURGE), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(
			books_has_key(b->metadata, TABLE_CHUNKS, chunk_key(1, i, key)));
		assert_true(books_has_key(b->metadata, TABLE_CHUNKS, chunk_key(2, i, key)));
	}
}

/* Rows that are nobody's chunks, in the midst of the others, go with them; those of other
 * instances stay. */
static void test_keys_of_wrong_sizes(void **state)
{
	struct books *b = *state;
	static const size_t sizes[] = {8, 9, 15, 17, 40, TABLE_KEY_MAX};
	uint8_t key[TABLE_KEY_MAX] = {0};

	books_add(b->metadata, 1, 3, 1000);
	books_add(b->metadata, 2, 3, 1000);
	for (uint8_t instance = 1; instance <= 2; instance++) {
		key[7] = instance;
		key[15] = 1;
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
			books_put(b->metadata, TABLE_CHUNKS, span_of(key, sizes[i]),
				span_of("x", 1));
	}
	ask(b, 1);
	assert_false(purge(b));
	assert_int_equal(
		books_count(b->metadata, TABLE_CHUNKS), 3 + sizeof sizes / sizeof sizes[0]);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 3);
	assert_int_equal(books_count(b->metadata, TABLE_PURGE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_nothing_to_do),
		BOOKS_TEST(test_keys_of_wrong_sizes),
		BOOKS_TEST(test_rows_of_one_instance),
		BOOKS_TEST(test_places_of_others_stay),
		BOOKS_TEST(test_a_part_at_a_time),
		BOOKS_TEST(test_hostile_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
