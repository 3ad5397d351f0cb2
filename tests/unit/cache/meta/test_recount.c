/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "cache/meta/recount.h"
#include "unit/await.h"
#include "unit/meta_samples.h"

static uint64_t count_again(struct books *b)
{
	uint64_t broken;

	assert_int_equal(recount(b->metadata, DEADLINE_NONE, NULL, 0, &broken), 0);
	return broken;
}

static void spoil_totals(struct books *b, uint64_t changes)
{
	struct totals_record totals = {12345, 67890, changes};

	books_put(b->metadata, TABLE_SETTINGS, span_of_string(SETTING_TOTALS),
		span_of(&totals, sizeof totals));
}

static int delete_now(MDB_txn *txn, void *arg)
{
	const struct raw_row *r = arg;

	return table_delete(r->metadata, txn, r->table, r->key);
}

static void test_an_empty_cache(void **state)
{
	struct books *b = *state;

	assert_int_equal(count_again(b), 0);
	spoil_totals(b, 5);
	assert_int_equal(count_again(b), 0);
	assert_int_equal(books_totals(b->metadata).cost, 0);
	assert_int_equal(books_totals(b->metadata).resident, 0);
}

static void test_counts_again(void **state)
{
	struct books *b = *state;
	struct totals_record before, after;

	for (unsigned i = 0; i < 20; i++)
		books_add(b->metadata, i, 1 + i % 3, 1000);
	before = books_totals(b->metadata);
	spoil_totals(b, 7);
	assert_int_equal(count_again(b), 0);
	after = books_totals(b->metadata);
	assert_int_equal(after.cost, before.cost);
	assert_int_equal(after.resident, before.resident);
	assert_int_equal(after.changes, 7);
}

static void test_broken_records_go(void **state)
{
	struct books *b = *state;
	struct object_id rotten = sample_id(1), wrong = sample_id(2);

	for (unsigned i = 0; i < 5; i++)
		books_add(b->metadata, i, 2, 1000);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_OBJECTS, span_of_object(&rotten), 9), 0);
	books_put(b->metadata, TABLE_OBJECTS, span_of_object(&wrong), span_of("junk", 4));
	books_put(b->metadata, TABLE_OBJECTS, span_of("odd", 3), span_of("junk", 4));
	spoil_totals(b, 7);
	assert_int_equal(count_again(b), 3);
	assert_int_equal(books_count(b->metadata, TABLE_OBJECTS), 3);
	assert_int_equal(books_totals(b->metadata).cost, 3 * 2 * SAMPLE_CHUNK);
	/* Who has them open is to look. */
	assert_int_equal(books_totals(b->metadata).changes, 8);
	assert_int_equal(count_again(b), 0);
}

#define JUNK 2500 /* more than two slices */

static int put_junk(MDB_txn *txn, void *arg)
{
	struct books *b = arg;
	char key[8];
	int rc = 0;

	for (unsigned i = 0; i < JUNK && !rc; i++) {
		snprintf(key, sizeof key, "%05u", i);
		rc = table_put(b->metadata, txn, TABLE_OBJECTS, span_of(key, 5),
			span_of("junk", 4), span_of(NULL, 0));
	}
	return rc;
}

static void test_many_records(void **state)
{
	struct books *b = *state;

	for (unsigned i = 0; i < 5; i++)
		books_add(b->metadata, i, 2, 1000);
	books_write(b->metadata, put_junk, b);
	spoil_totals(b, 7);
	assert_int_equal(count_again(b), JUNK);
	assert_int_equal(books_count(b->metadata, TABLE_OBJECTS), 5);
	assert_int_equal(books_totals(b->metadata).cost, 5 * 2 * SAMPLE_CHUNK);
	assert_int_equal(books_totals(b->metadata).changes, 8);
}

static atomic_uint adding;

static void *add_one(void *arg)
{
	struct books *b = arg;

	atomic_store(&adding, 1);
	for (unsigned i = 100; i < 130; i++)
		books_add(b->metadata, i, 2, 1000);
	return NULL;
}

/* What others add meanwhile counts as well. */
static void test_while_others_write(void **state)
{
	struct books *b = *state;
	pthread_t thread;

	for (unsigned i = 0; i < 5; i++)
		books_add(b->metadata, i, 2, 1000);
	spoil_totals(b, 7);
	assert_int_equal(pthread_create(&thread, NULL, add_one, b), 0);
	while (!atomic_load(&adding))
		sched_yield();
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(count_again(b), 0);
	pthread_join(thread, NULL);
	assert_int_equal(books_totals(b->metadata).cost, 35 * 2 * SAMPLE_CHUNK);
}

/* An object without a row in the order would never go. */
static void test_missing_rows_of_the_order(void **state)
{
	struct books *b = *state;
	struct object_id one = sample_id(1);
	uint8_t key[USE_KEY_SIZE];
	struct raw_row row = {.metadata = b->metadata,
		.table = TABLE_USE,
		.key = use_key(1000, &one, key)};

	books_add(b->metadata, 1, 2, 1000);
	books_add(b->metadata, 2, 2, 1000);
	books_pin(b->metadata, "pin", 2);
	books_write(b->metadata, delete_now, &row);
	assert_int_equal(books_count(b->metadata, TABLE_USE), 0);
	assert_int_equal(count_again(b), 0);
	assert_true(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(books_count(b->metadata, TABLE_USE), 1);
}

static void test_leases_of_the_dead(void **state)
{
	struct books *b = *state;
	static const uint32_t dead[2] = {8, 9};
	uint64_t broken;

	books_put_lease(b->metadata, 7, 1000);
	books_put_lease(b->metadata, 8, 2000);
	assert_int_equal(recount(b->metadata, DEADLINE_NONE, dead, 2, &broken), 0);
	assert_int_equal(books_lease(b->metadata, 7), 1000);
	assert_int_equal(books_lease(b->metadata, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_an_empty_cache),
		BOOKS_TEST(test_counts_again),
		BOOKS_TEST(test_broken_records_go),
		BOOKS_TEST(test_many_records),
		BOOKS_TEST(test_while_others_write),
		BOOKS_TEST(test_missing_rows_of_the_order),
		BOOKS_TEST(test_leases_of_the_dead),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
