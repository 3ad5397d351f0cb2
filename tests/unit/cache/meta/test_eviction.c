/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/eviction.h"
#include "unit/meta_samples.h"

#define MANY 16

/* All rows of the order, at most `at_once` in one go. */
static size_t list_all(struct books *b, struct victim out[MANY], size_t at_once)
{
	struct eviction_place at = {.size = 0};
	size_t sum = 0, count;

	do {
		assert_true(sum + at_once <= MANY);
		assert_int_equal(
			eviction_list(b->metadata, &at, out + sum, at_once, &count), 0);
		assert_true(count <= at_once);
		sum += count;
	} while (count);
	return sum;
}

static bool is_object(const struct victim *v, unsigned number)
{
	struct object_id name = sample_id(number);

	return object_id_equal(&v->object, &name);
}

/* Strikes what was listed; *gone may be NULL. */
static size_t strike(struct books *b, const struct victim *list, size_t count,
	bool even_pinned, struct victim *gone)
{
	struct changes c = {
		.victims = list, .victim_count = count, .even_pinned = even_pinned};
	struct outcome o = books_commit(b->metadata, &c);
	size_t n = o.gone_count;

	if (n && gone)
		*gone = o.gone[0];
	outcome_release(&o);
	return n;
}

static void test_order_of_last_use(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];

	for (unsigned i = 0; i < 7; i++)
		books_add(b->metadata, i, 2, 1000 + i * 37 % 7);
	for (size_t at_once = 1; at_once <= 8; at_once++) {
		assert_int_equal(list_all(b, list, at_once), 7);
		for (unsigned i = 0; i < 7; i++) {
			assert_int_equal(list[i].last_use, 1000 + i);
			assert_int_equal(list[i].cost, 2 * SAMPLE_CHUNK);
			assert_int_equal(list[i].resident, 2 * SAMPLE_CHUNK);
		}
		for (unsigned i = 0; i < 7; i++)
			assert_true(is_object(&list[i * 37 % 7], i));
	}
}

static void test_use_moves_an_object_back(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];

	books_add(b->metadata, 1, 1, 1000);
	books_add(b->metadata, 2, 1, 1001);
	books_apply_one(b->metadata, books_change(CHANGE_USE, 1, 0, 1002));
	assert_int_equal(list_all(b, list, 8), 2);
	assert_true(is_object(&list[0], 2));
	assert_true(is_object(&list[1], 1));
}

/* From behind a row of the list, the others come again. */
static void test_behind_a_row(void **state)
{
	struct books *b = *state;
	struct eviction_place at = {.size = 0};
	struct victim list[MANY];
	size_t count;

	for (unsigned i = 0; i < 4; i++)
		books_add(b->metadata, i, 1, 1000 + i);
	assert_int_equal(eviction_list(b->metadata, &at, list, MANY, &count), 0);
	assert_int_equal(count, 4);
	eviction_go_behind(&at, &list[1]);
	assert_int_equal(eviction_list(b->metadata, &at, list, MANY, &count), 0);
	assert_int_equal(count, 2);
	assert_true(is_object(&list[0], 2));
	assert_true(is_object(&list[1], 3));
}

static void test_pinned_objects_have_no_row(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];

	for (unsigned i = 0; i < 3; i++)
		books_add(b->metadata, i, 1, 1000 + i);
	books_pin(b->metadata, "pin", 1);
	assert_int_equal(list_all(b, list, 8), 2);
	assert_true(is_object(&list[0], 0));
	assert_true(is_object(&list[1], 2));
}

static void test_striking(void **state)
{
	struct books *b = *state;
	struct victim list[MANY], gone;
	struct totals_record totals;

	books_add(b->metadata, 1, 2, 1000);
	books_add(b->metadata, 2, 3, 1001);
	assert_int_equal(list_all(b, list, 8), 2);
	assert_int_equal(strike(b, list, 1, false, &gone), 1);
	assert_true(is_object(&gone, 1));
	assert_int_equal(gone.instance, 1);
	assert_int_equal(gone.cost, 2 * SAMPLE_CHUNK);
	assert_false(books_has_record(b->metadata, 1));
	assert_false(books_has_use(b->metadata, 1, 1000));
	assert_true(books_has_record(b->metadata, 2));
	totals = books_totals(b->metadata);
	assert_int_equal(totals.cost, 3 * SAMPLE_CHUNK);
	assert_int_equal(totals.resident, 3 * SAMPLE_CHUNK);
	assert_int_equal(totals.changes, 1);
	/* Once more, from the same list: it is gone already. */
	assert_int_equal(strike(b, list, 1, false, NULL), 0);
	assert_int_equal(books_totals(b->metadata).cost, 3 * SAMPLE_CHUNK);
}

/* Between the list and the transaction somebody used it, or made it anew. */
static void test_what_changed_meanwhile_stays(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];

	books_add(b->metadata, 1, 1, 1000);
	books_add(b->metadata, 2, 1, 1001);
	assert_int_equal(list_all(b, list, 8), 2);
	books_apply_one(b->metadata, books_change(CHANGE_USE, 1, 0, 2000));
	list[1].instance = 77;
	assert_int_equal(strike(b, list, 2, false, NULL), 0);
	assert_true(books_has_record(b->metadata, 1));
	assert_true(books_has_record(b->metadata, 2));
	/* Their own rows are untouched. */
	assert_int_equal(list_all(b, list, 8), 2);
	assert_int_equal(list[0].instance, 2);
	assert_int_equal(list[1].instance, 1);
}

static void test_pinned_meanwhile(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];

	books_add(b->metadata, 1, 1, 1000);
	assert_int_equal(list_all(b, list, 8), 1);
	books_pin(b->metadata, "pin", 1);
	assert_int_equal(strike(b, list, 1, false, NULL), 0);
	assert_true(books_has_record(b->metadata, 1));
	assert_int_equal(strike(b, list, 1, true, NULL), 1);
	assert_false(books_has_record(b->metadata, 1));
}

static int put_use_row(MDB_txn *txn, void *arg)
{
	struct raw_row *r = arg;

	return table_put_key(r->metadata, txn, TABLE_USE, r->key);
}

static void add_use_row(struct books *b, struct span key)
{
	struct raw_row r = {.metadata = b->metadata, .key = key};

	books_write(b->metadata, put_use_row, &r);
}

/* Rows that lead to no object, to a rotten one, or to one of another time. */
static void test_stale_rows_are_tidied(void **state)
{
	struct books *b = *state;
	struct object_id nowhere = sample_id(50), rotten = sample_id(2);
	struct object_id moved = sample_id(1);
	struct victim list[MANY];
	uint8_t key[USE_KEY_SIZE];

	books_add(b->metadata, 1, 1, 1000);
	books_add(b->metadata, 2, 1, 1001);
	add_use_row(b, use_key(5, &nowhere, key));
	add_use_row(b, use_key(6, &moved, key));
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_OBJECTS, span_of_object(&rotten), 0), 0);
	assert_int_equal(list_all(b, list, 8), 4);
	assert_int_equal(list[0].instance, 0);
	assert_int_equal(list[1].instance, 0);
	assert_int_equal(list[2].instance, 1);
	assert_int_equal(list[3].instance, 0);
	assert_int_equal(list[0].cost + list[1].cost + list[3].cost, 0);
	assert_int_equal(strike(b, list, 2, false, NULL), 0);
	assert_int_equal(strike(b, list + 3, 1, false, NULL), 0);
	assert_int_equal(list_all(b, list, 8), 1);
	assert_int_equal(list[0].instance, 1);
	assert_true(books_has_record(b->metadata, 1));
}

static void test_a_rotten_record_is_told(void **state)
{
	struct books *b = *state;
	struct object_id name = sample_id(1);
	struct victim list[MANY];
	struct changes c = {.victims = list, .victim_count = 1};
	struct outcome o;

	books_add(b->metadata, 1, 1, 1000);
	assert_int_equal(list_all(b, list, 8), 1);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_OBJECTS, span_of_object(&name), 0), 0);
	o = books_commit(b->metadata, &c);
	assert_true(o.rot);
	assert_int_equal(o.gone_count, 0);
	outcome_release(&o);
}

static void test_hostile_rows(void **state)
{
	struct books *b = *state;
	struct victim list[MANY];
	uint8_t junk[USE_KEY_SIZE + 8];

	memset(junk, 0xff, sizeof junk);
	books_add(b->metadata, 1, 1, 1000);
	for (size_t size = 1; size <= sizeof junk; size++)
		add_use_row(b, span_of(junk, size));
	assert_int_equal(list_all(b, list, 8), 1);
	assert_int_equal(list[0].instance, 1);
}

static void test_find(void **state)
{
	struct books *b = *state;
	struct object_id one = sample_id(1), two = sample_id(2);
	struct victim v;

	books_add(b->metadata, 1, 2, 1000);
	books_pin(b->metadata, "pin", 1);
	assert_int_equal(eviction_find(b->metadata, &one, &v), 0);
	assert_int_equal(v.instance, 1);
	assert_int_equal(v.last_use, 1000);
	assert_int_equal(v.cost, 2 * SAMPLE_CHUNK);
	assert_int_equal(eviction_find(b->metadata, &two, &v), ERR_ABSENT);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_OBJECTS, span_of_object(&one), 30), 0);
	assert_int_equal(eviction_find(b->metadata, &one, &v), ERR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_order_of_last_use),
		BOOKS_TEST(test_use_moves_an_object_back),
		BOOKS_TEST(test_behind_a_row),
		BOOKS_TEST(test_pinned_objects_have_no_row),
		BOOKS_TEST(test_striking),
		BOOKS_TEST(test_what_changed_meanwhile_stays),
		BOOKS_TEST(test_pinned_meanwhile),
		BOOKS_TEST(test_stale_rows_are_tidied),
		BOOKS_TEST(test_a_rotten_record_is_told),
		BOOKS_TEST(test_hostile_rows),
		BOOKS_TEST(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
