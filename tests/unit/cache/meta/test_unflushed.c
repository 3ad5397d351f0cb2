/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/unflushed.h"
#include "unit/meta_samples.h"

#define GENERATION 9

/* One chunk of object `number`, instance `number`, marked or flushed by `user`. */
static void tell(struct books *b, enum change_kind kind, unsigned number, uint32_t user,
	uint64_t ordinal, uint64_t sequence)
{
	struct change op = books_mark(number, 4, ordinal, 1000);
	struct changes c = {
		.epoch = {1, GENERATION}, .user = user, .ops = &op, .op_count = 1};

	op.kind = kind;
	op.sequence = sequence;
	op.generation = GENERATION;
	books_apply(b->metadata, &c);
}

static bool has(struct books *b, uint64_t instance)
{
	MDB_txn *txn;
	bool yes;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	yes = unflushed_has(b->metadata, txn, instance);
	metadata_read_end(b->metadata, txn);
	return yes;
}

static void test_until_it_is_flushed(void **state)
{
	struct books *b = *state;

	assert_false(has(b, 1));
	tell(b, CHANGE_MARK, 1, 7, 0, 5);
	tell(b, CHANGE_MARK, 3, 7, 0, 6);
	assert_true(has(b, 1));
	assert_false(has(b, 2));
	assert_true(has(b, 3));
	/* The flush began before the mark was made. */
	tell(b, CHANGE_FLUSHED, 1, 7, 0, 4);
	assert_true(has(b, 1));
	tell(b, CHANGE_MARK, 1, 7, 1, 8);
	tell(b, CHANGE_FLUSHED, 1, 7, 0, 7);
	assert_true(has(b, 1));
	tell(b, CHANGE_FLUSHED, 1, 7, 0, 8);
	assert_false(has(b, 1));
	assert_true(has(b, 3));
	/* Marked a second time, it is what was flushed. */
	tell(b, CHANGE_MARK, 1, 7, 1, 9);
	assert_false(has(b, 1));
	assert_true(books_has_chunk(b->metadata, 1, 0));
	assert_true(books_has_chunk(b->metadata, 1, 1));
}

/* In one transaction: whoever leaves flushes what it marked a moment before. */
static void test_marked_and_flushed_at_once(void **state)
{
	struct books *b = *state;
	struct change ops[3] = {books_mark(1, 4, 0, 1000), books_mark(1, 4, 0, 1000),
		books_mark(1, 4, 1, 1000)};
	struct changes c = {.epoch = {1, GENERATION}, .user = 7, .ops = ops, .op_count = 3};

	for (unsigned i = 0; i < 3; i++)
		ops[i].number = i;
	ops[0].sequence = ops[1].sequence = 5;
	ops[1].kind = CHANGE_FLUSHED;
	ops[2].sequence = 6;
	c.op_count = 2;
	books_apply(b->metadata, &c);
	assert_true(books_has_chunk(b->metadata, 1, 0));
	assert_false(has(b, 1));
	/* What was marked after it is not on the disk. */
	tell(b, CHANGE_MARK, 2, 7, 0, 7);
	ops[0] = books_mark(2, 4, 1, 1000);
	ops[0].sequence = 8;
	ops[1].object = ops[0].object;
	ops[1].instance = ops[0].instance;
	ops[1].sequence = 7;
	ops[0].number = 0;
	ops[1].number = 1;
	books_apply(b->metadata, &c);
	assert_true(has(b, 2));
}

/* Each vouches for his own alone. */
static void test_two_users(void **state)
{
	struct books *b = *state;

	tell(b, CHANGE_MARK, 1, 7, 0, 5);
	tell(b, CHANGE_MARK, 1, 8, 1, 2);
	tell(b, CHANGE_FLUSHED, 1, 7, 0, 100);
	assert_true(has(b, 1));
	tell(b, CHANGE_FLUSHED, 1, 9, 0, 100);
	assert_true(has(b, 1));
	tell(b, CHANGE_FLUSHED, 1, 8, 0, 100);
	assert_false(has(b, 1));
}

/* With the object, all rows of it go. */
static void test_an_object_that_goes(void **state)
{
	struct books *b = *state;

	for (uint32_t user = 1; user <= 3; user++)
		tell(b, CHANGE_MARK, 2, user, user, user);
	tell(b, CHANGE_MARK, 1, 7, 0, 5);
	tell(b, CHANGE_MARK, 3, 7, 0, 6);
	tell(b, CHANGE_LOSE, 2, 1, 0, 0);
	assert_false(books_has_record(b->metadata, 2));
	assert_false(has(b, 2));
	assert_true(has(b, 1));
	assert_true(has(b, 3));
	/* Flushed too late is no harm, and no object. */
	tell(b, CHANGE_FLUSHED, 2, 1, 0, 100);
	assert_false(books_has_record(b->metadata, 2));
}

static int distrust_now(MDB_txn *txn, void *arg)
{
	bool all = true;
	int rc = unflushed_distrust_all(arg, txn, &all);

	assert_false(all);
	return rc;
}

static uint64_t generation_of(struct books *b, unsigned number)
{
	struct object_record r;

	assert_int_equal(books_record(b->metadata, number, &r), 0);
	return r.generation;
}

static void test_all_who_marked_are_gone(void **state)
{
	struct books *b = *state;

	for (unsigned i = 1; i <= 40; i++)
		tell(b, CHANGE_MARK, i, 7 + i % 2, 0, i);
	for (unsigned i = 1; i <= 40; i += 4)
		tell(b, CHANGE_FLUSHED, i, 7 + i % 2, 0, i);
	books_write(b->metadata, distrust_now, b->metadata);
	assert_int_equal(books_count(b->metadata, TABLE_UNFLUSHED), 0);
	for (unsigned i = 1; i <= 40; i++)
		assert_int_equal(
			generation_of(b, i), i % 4 == 1 ? GENERATION : GENERATION_NONE);
	/* Once it was hashed, it is as good as new. */
	tell(b, CHANGE_TRUST, 2, 7, 0, 0);
	assert_int_equal(generation_of(b, 2), GENERATION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_until_it_is_flushed),
		BOOKS_TEST(test_marked_and_flushed_at_once),
		BOOKS_TEST(test_two_users),
		BOOKS_TEST(test_an_object_that_goes),
		BOOKS_TEST(test_all_who_marked_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
