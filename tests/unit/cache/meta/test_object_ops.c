/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/object_ops.h"
#include "unit/meta_samples.h"

#define COST SAMPLE_CHUNK /* of a chunk: it begins and ends with a block */

/* What one call came to. */
struct applied {
	struct metadata *m;
	struct changes *changes;
	struct outcome outcome;
	uint64_t released, applied;
};

static int apply_now(MDB_txn *txn, void *arg)
{
	struct applied *a = arg;
	struct space s;
	int rc = space_begin(&s, a->m, txn, UINT64_MAX, &a->outcome.rot);

	if (!rc)
		rc = object_ops_apply(
			&s, a->changes, &a->outcome, &a->released, &a->applied);
	return rc ? rc : space_end(&s);
}

/* The outcome is released but for its numbers. */
static struct applied apply(const struct books *b, struct change *ops, size_t count)
{
	struct changes c = {.epoch = {1, 5}, .ops = ops, .op_count = count};
	struct applied a = {.m = b->metadata, .changes = &c};

	books_write(b->metadata, apply_now, &a);
	free(a.outcome.gone);
	a.outcome.gone = NULL;
	return a;
}

static struct applied apply_one(const struct books *b, struct change *op)
{
	return apply(b, op, 1);
}

static void test_a_mark_makes_a_record(void **state)
{
	struct books *b = *state;
	struct change op = books_mark(1, 3, 2, 1000);
	struct applied a;
	struct chunk_record chunk;
	struct place_record place;
	struct object_record r;
	struct object_id name = sample_id(1);
	MDB_txn *txn;

	op.generation = 5;
	a = apply_one(b, &op);
	assert_int_equal(op.result, CHANGE_DONE);
	assert_int_equal(a.released, COST);
	assert_int_equal(a.applied, COST);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.size, 3 * SAMPLE_CHUNK);
	assert_int_equal(r.chunks, 3);
	assert_int_equal(r.instance, 1);
	assert_int_equal(r.generation, 5);
	assert_int_equal(r.last_use, 1000);
	assert_int_equal(r.resident, SAMPLE_CHUNK);
	assert_int_equal(r.cost, COST);
	assert_int_equal(r.present, 1);
	assert_int_equal(r.drops, 0);
	assert_true(books_has_chunk(b->metadata, 1, 2));
	assert_false(books_has_chunk(b->metadata, 1, 0));
	assert_true(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	assert_int_equal(chunk_record_get(b->metadata, txn, 1, 2, &chunk), 0);
	assert_int_equal(chunk.start, 2 * SAMPLE_CHUNK);
	assert_int_equal(chunk.size, SAMPLE_CHUNK);
	assert_true(digest_equal(&chunk.digest, &op.chunk));
	assert_int_equal(place_record_get(b->metadata, txn, &op.chunk, &place), 0);
	assert_true(object_id_equal(&place.object, &name));
	assert_int_equal(place.instance, 1);
	assert_int_equal(place.ordinal, 2);
	metadata_read_end(b->metadata, txn);
	assert_int_equal(books_totals(b->metadata).resident, SAMPLE_CHUNK);
	assert_int_equal(books_totals(b->metadata).cost, COST);
}

static void test_a_single_chunk_has_no_rows(void **state)
{
	struct books *b = *state;
	struct change op = books_mark(1, 1, 0, 1000);

	apply_one(b, &op);
	assert_true(books_has_chunk(b->metadata, 1, 0));
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 0);
}

/* What was reserved is given back, even when there is nothing to mark. */
static void test_marks_that_are_stale(void **state)
{
	struct books *b = *state;
	struct change of_nothing = books_mark(1, 3, 0, 1000);
	struct change of_another = books_mark(2, 3, 1, 1000);
	struct applied a;

	of_nothing.creates = false;
	a = apply_one(b, &of_nothing);
	assert_int_equal(of_nothing.result, CHANGE_STALE);
	assert_int_equal(a.released, COST);
	assert_int_equal(a.applied, 0);
	assert_false(books_has_record(b->metadata, 1));

	books_add(b->metadata, 2, 1, 1000);
	of_another.instance = 77;
	a = apply_one(b, &of_another);
	assert_int_equal(of_another.result, CHANGE_STALE);
	assert_int_equal(a.released, COST);
	assert_int_equal(a.applied, 0);
	assert_int_equal(books_totals(b->metadata).cost, COST);
}

static void test_a_mark_counts_once(void **state)
{
	struct books *b = *state;
	struct change ops[2] = {books_mark(1, 3, 1, 1000), books_mark(1, 3, 1, 1000)};
	struct applied a;

	ops[1].number = 1;
	a = apply(b, ops, 2);
	assert_int_equal(ops[0].result, CHANGE_DONE);
	assert_int_equal(ops[1].result, CHANGE_DONE);
	assert_int_equal(a.released, 2 * COST);
	assert_int_equal(a.applied, COST);
	assert_int_equal(books_totals(b->metadata).cost, COST);
}

/* Chunks of one list do not overlap: together they are no more than the object. */
static void test_sizes_that_overlap(void **state)
{
	struct books *b = *state;
	struct change all = books_mark(1, 2, 0, 1000), more = books_mark(1, 2, 1, 1000);
	struct object_record r;
	struct applied a;

	all.size = 2 * SAMPLE_CHUNK;
	more.size = 1;
	apply_one(b, &all);
	assert_int_equal(all.result, CHANGE_DONE);
	a = apply_one(b, &more);
	assert_int_equal(more.result, CHANGE_STALE);
	assert_int_equal(a.applied, 0);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.present, 1);
	assert_int_equal(r.resident, r.size);
}

static void test_a_drop(void **state)
{
	struct books *b = *state;
	struct change op = books_change(CHANGE_DROP, 1, 1, 0), again = op;
	struct object_record r;
	uint8_t key[CHUNK_KEY_SIZE];

	books_add(b->metadata, 1, 3, 1000);
	apply_one(b, &op);
	assert_int_equal(op.result, CHANGE_ENDED);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.present, 2);
	assert_int_equal(r.resident, 2 * SAMPLE_CHUNK);
	assert_int_equal(r.cost, 2 * COST);
	assert_int_equal(r.drops, 1);
	assert_false(books_has_chunk(b->metadata, 1, 1));
	assert_true(books_has_chunk(b->metadata, 1, 2));
	assert_false(books_has_key(b->metadata, TABLE_CHUNKS, chunk_key(1, 1, key)));
	assert_int_equal(books_totals(b->metadata).cost, 2 * COST);
	assert_int_equal(books_totals(b->metadata).changes, 1);
	/* What is not there cannot be dropped; the object is not what it was, though. */
	apply_one(b, &again);
	assert_int_equal(again.result, CHANGE_ENDED);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.present, 2);
	assert_int_equal(books_totals(b->metadata).changes, 1);
}

static void test_with_its_last_chunk_an_object_goes(void **state)
{
	struct books *b = *state;
	struct change ops[2] = {
		books_change(CHANGE_DROP, 1, 0, 0), books_change(CHANGE_DROP, 1, 1, 0)};
	struct applied a;

	books_add(b->metadata, 1, 2, 1000);
	ops[1].number = 1;
	a = apply(b, ops, 2);
	assert_int_equal(a.outcome.gone_count, 1);
	assert_false(books_has_record(b->metadata, 1));
	assert_false(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(books_totals(b->metadata).cost, 0);
	assert_int_equal(books_totals(b->metadata).resident, 0);
}

static void test_a_loss(void **state)
{
	struct books *b = *state;
	struct change other = books_change(CHANGE_LOSE, 1, 0, 0), op = other;
	struct applied a;

	books_add(b->metadata, 1, 3, 1000);
	other.instance = 77;
	a = apply_one(b, &other);
	assert_int_equal(other.result, CHANGE_STALE);
	assert_int_equal(a.outcome.gone_count, 0);
	assert_true(books_has_record(b->metadata, 1));
	a = apply_one(b, &op);
	assert_int_equal(op.result, CHANGE_ENDED);
	assert_int_equal(a.outcome.gone_count, 1);
	assert_int_equal(a.outcome.freed, 3 * SAMPLE_CHUNK);
	assert_false(books_has_record(b->metadata, 1));
	assert_false(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(books_totals(b->metadata).cost, 0);
}

static void test_use(void **state)
{
	struct books *b = *state;
	struct change later = books_change(CHANGE_USE, 1, 0, 2000);
	struct change earlier = books_change(CHANGE_USE, 1, 0, 1500);
	struct object_record r;

	books_add(b->metadata, 1, 3, 1000);
	apply_one(b, &later);
	apply_one(b, &earlier);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.last_use, 2000);
	assert_int_equal(books_count(b->metadata, TABLE_USE), 1);
	assert_true(books_has_use(b->metadata, 1, 2000));
}

static void test_a_pinned_object_has_no_row(void **state)
{
	struct books *b = *state;
	struct change use = books_change(CHANGE_USE, 1, 0, 2000);

	books_pin(b->metadata, "pin", 1);
	books_add(b->metadata, 1, 3, 1000);
	apply_one(b, &use);
	assert_true(books_has_record(b->metadata, 1));
	assert_int_equal(books_count(b->metadata, TABLE_USE), 0);
}

static void test_trust(void **state)
{
	struct books *b = *state;
	struct change op = books_change(CHANGE_TRUST, 1, 0, 0);
	struct object_record r;

	books_add(b->metadata, 1, 1, 1000);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_not_equal(r.generation, 5);
	op.generation = 5;
	apply_one(b, &op);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.generation, 5);
	/* Hashed by somebody who did not know of the new epoch yet. */
	op.generation = 4;
	apply_one(b, &op);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.generation, 5);
	assert_int_equal(r.last_use, 1000);
}

/* Another file in the place of the one that was marked: nothing of it is trusted, and who
 * has the old one open marks nothing more. */
static void test_another_file(void **state)
{
	struct books *b = *state;
	struct change mark = books_mark(1, 3, 0, 1000), trust, adopt, more, own;
	struct object_record r;

	mark.file = 7;
	mark.generation = 5;
	apply_one(b, &mark);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.file, 7);
	adopt = books_change(CHANGE_ADOPT, 1, 0, 0);
	adopt.file = 7;
	apply_one(b, &adopt);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.generation, 5);
	adopt.file = 8;
	apply_one(b, &adopt);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.generation, GENERATION_NONE);
	assert_int_equal(r.file, 8);
	assert_int_equal(r.present, 1);
	more = books_mark(1, 3, 1, 1000);
	more.file = 7;
	apply_one(b, &more);
	assert_int_equal(more.result, CHANGE_STALE);
	trust = books_change(CHANGE_TRUST, 1, 0, 0);
	trust.file = 7;
	trust.generation = 5;
	apply_one(b, &trust);
	assert_int_equal(trust.result, CHANGE_STALE);
	own = books_mark(1, 3, 1, 1000);
	own.file = 8;
	apply_one(b, &own);
	assert_int_equal(own.result, CHANGE_DONE);
	trust.file = 8;
	apply_one(b, &trust);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.generation, 5);
	assert_int_equal(r.present, 2);
}

/* Whatever the array's order: by object, and there by number. */
static void test_order_of_arrival(void **state)
{
	struct books *b = *state;
	struct change ops[5] = {books_mark(1, 2, 0, 1000),
		books_change(CHANGE_DROP, 1, 0, 0), books_mark(2, 2, 0, 1000),
		books_change(CHANGE_DROP, 2, 0, 0), books_mark(2, 2, 0, 1000)};
	static const size_t numbers[5] = {4, 3, 0, 1, 2};
	struct object_record r;

	for (size_t i = 0; i < 5; i++)
		ops[i].number = numbers[i];
	apply(b, ops, 5);
	/* 1: the drop came before there was a record. 2: mark, drop, mark. */
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.drops, 0);
	assert_int_equal(books_record(b->metadata, 2, &r), 0);
	assert_int_equal(r.drops, 1);
	assert_true(books_has_chunk(b->metadata, 1, 0));
	assert_true(books_has_chunk(b->metadata, 2, 0));
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(ops[i].result, ops[i].kind == CHANGE_MARK ? CHANGE_DONE
						: ops[i].number == 3	   ? CHANGE_STALE
									   : CHANGE_ENDED);
}

/* Another process made a new instance of what this one loses. */
static void test_a_new_instance_after_a_loss(void **state)
{
	struct books *b = *state;
	struct change ops[2] = {
		books_change(CHANGE_LOSE, 1, 0, 0), books_mark(1, 3, 0, 2000)};
	struct object_record r;
	struct applied a;

	books_add(b->metadata, 1, 3, 1000);
	ops[1].number = 1;
	ops[1].instance = 99;
	a = apply(b, ops, 2);
	assert_int_equal(a.outcome.gone_count, 1);
	assert_int_equal(ops[1].result, CHANGE_DONE);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.instance, 99);
	assert_int_equal(books_count(b->metadata, TABLE_USE), 1);
	assert_true(books_has_use(b->metadata, 1, 2000));
	assert_int_equal(books_totals(b->metadata).cost, COST);
}

/* Its file is about to go: a mark that comes too late makes no record of it. */
static void test_a_mark_after_the_loss(void **state)
{
	struct books *b = *state;
	struct change ops[2] = {
		books_change(CHANGE_LOSE, 1, 0, 0), books_mark(1, 3, 0, 2000)};
	struct applied a;

	books_add(b->metadata, 1, 3, 1000);
	ops[1].number = 1;
	a = apply(b, ops, 2);
	assert_int_equal(a.outcome.gone_count, 1);
	assert_int_equal(ops[1].result, CHANGE_STALE);
	assert_int_equal(a.released, COST);
	assert_int_equal(a.applied, 0);
	assert_false(books_has_record(b->metadata, 1));
	assert_int_equal(books_count(b->metadata, TABLE_USE), 0);
}

static void test_ordinals_beyond_the_end(void **state)
{
	struct books *b = *state;
	struct change mark = books_mark(1, 3, 64, 1000);
	struct change drop = books_change(CHANGE_DROP, 1, UINT64_MAX, 0);
	struct object_record r;

	books_add(b->metadata, 1, 3, 1000);
	apply_one(b, &mark);
	apply_one(b, &drop);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.present, 3);
	assert_int_equal(r.drops, 0);
}

static void test_a_rotten_record(void **state)
{
	struct books *b = *state;
	struct change use = books_change(CHANGE_USE, 1, 0, 2000);
	struct change mark = books_mark(1, 3, 1, 3000);
	struct object_id name = sample_id(1);
	struct object_record r;
	struct applied a;

	books_add(b->metadata, 1, 3, 1000);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_OBJECTS, span_of_object(&name), 20), 0);
	a = apply_one(b, &use);
	assert_true(a.outcome.rot);
	assert_int_equal(use.result, CHANGE_STALE);
	a = apply_one(b, &mark);
	assert_true(a.outcome.rot);
	assert_int_equal(mark.result, CHANGE_DONE);
	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	assert_int_equal(r.present, 1);
	assert_int_equal(r.last_use, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_a_mark_makes_a_record),
		BOOKS_TEST(test_a_single_chunk_has_no_rows),
		BOOKS_TEST(test_marks_that_are_stale),
		BOOKS_TEST(test_a_mark_counts_once),
		BOOKS_TEST(test_sizes_that_overlap),
		BOOKS_TEST(test_a_drop),
		BOOKS_TEST(test_with_its_last_chunk_an_object_goes),
		BOOKS_TEST(test_a_loss),
		BOOKS_TEST(test_use),
		BOOKS_TEST(test_a_pinned_object_has_no_row),
		BOOKS_TEST(test_trust),
		BOOKS_TEST(test_another_file),
		BOOKS_TEST(test_order_of_arrival),
		BOOKS_TEST(test_a_new_instance_after_a_loss),
		BOOKS_TEST(test_a_mark_after_the_loss),
		BOOKS_TEST(test_ordinals_beyond_the_end),
		BOOKS_TEST(test_a_rotten_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
