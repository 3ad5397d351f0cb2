/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/unflushed.h"
#include "cache/objects/object_flush.h"
#include "cache/write/flusher.h"
#include "unit/await.h"
#include "unit/write_samples.h"

/* Object `number`, written and marked in the books. */
static struct object *written(struct writing *w, unsigned number)
{
	struct object *o = writing_object(w, number, 2);

	object_note_written(o);
	writing_mark(w, o, number);
	writing_commit_all(w);
	return o;
}

static uint64_t rows(struct writing *w)
{
	return books_count(w->x.metadata, TABLE_UNFLUSHED);
}

static uint64_t generation(struct writing *w)
{
	uint64_t g = 0;
	MDB_txn *txn;

	assert_int_equal(metadata_read(w->x.metadata, &txn), 0);
	assert_int_equal(trust_epoch_generation(w->x.metadata, txn, &g), 0);
	metadata_read_end(w->x.metadata, txn);
	return g;
}

/* A few are flushed one by one, many together. */
static void test_rounds(void **state)
{
	struct writing *w = *state;
	static const unsigned counts[] = {1, 3, 12};
	unsigned number = 1;

	for (size_t i = 0; i < 3; i++) {
		struct object *o[12];

		for (unsigned k = 0; k < counts[i]; k++)
			o[k] = written(w, number++);
		assert_int_equal(rows(w), counts[i]);
		assert_int_equal(flusher_round(&w->x), 0);
		for (unsigned k = 0; k < counts[i]; k++) {
			assert_true(object_is_flushed(o[k]));
			assert_false(atomic_load(&o[k]->gone));
			object_put(o[k]);
		}
		writing_commit_all(w);
		assert_int_equal(rows(w), 0);
	}
	assert_false(w->x.flush_failed);
}

/* One that cannot be flushed: nothing is believed, and nothing is called flushed. */
static void failing_round(struct writing *w, unsigned count)
{
	uint64_t before = generation(w);
	struct object *o[12];

	for (unsigned k = 0; k < count; k++)
		o[k] = written(w, 1 + k);
	atomic_store(&o[count / 2]->failed, true);
	assert_int_equal(flusher_round(&w->x), ERR_IO);
	writing_commit_all(w);
	assert_true(w->x.flush_failed);
	assert_false(w->x.epoch_is_owed);
	assert_true(generation(w) == before + 1);
	assert_true(atomic_load(&w->x.generation) == before + 1);
	assert_true(rows(w) >= 1);
	for (unsigned k = 0; k < count; k++) {
		assert_true(atomic_load(&o[k]->gone));
		assert_false(writing_is_open(w, 1 + k));
		object_put(o[k]);
	}
	/* It is told once. */
	assert_int_equal(flusher_round(&w->x), 0);
	assert_true(generation(w) == before + 1);
}

static void test_a_round_that_fails(void **state)
{
	failing_round(*state, 3);
}

static void test_a_round_of_many_that_fails(void **state)
{
	failing_round(*state, 12);
}

/* Somebody else writes: the epoch is begun by the next round. */
static void test_an_epoch_that_has_to_wait(void **state)
{
	struct writing *w = *state;
	uint64_t before = generation(w);

	w->x.epoch_is_owed = true;
	assert_int_equal(flusher_round(&w->x), 0);
	assert_false(w->x.epoch_is_owed);
	assert_true(generation(w) == before + 1);
}

static void test_the_thread(void **state)
{
	struct writing *w = *state;
	struct object *o = written(w, 1), *p;
	struct flusher *f;

	assert_int_equal(flusher_new(&w->x, &f), 0);
	assert_int_equal(flusher_admit(f), 0);
	assert_int_equal(flusher_admit_file(f), 0);
	flusher_note(f);
	flusher_urge(f);
	AWAIT(object_is_flushed(o));
	assert_false(flusher_has_failed(f));
	p = written(w, 2);
	atomic_store(&p->failed, true);
	AWAIT(flusher_has_failed(f) || atomic_load(&p->gone));
	/* It has told the thread. */
	AWAIT(flusher_admit(f) == ERR_NO_SPACE);
	object_put(p);
	/* What is left is flushed at the end. */
	p = written(w, 3);
	flusher_free(f);
	assert_true(object_is_flushed(p));
	writing_commit_all(w);
	object_put(p);
	object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_rounds),
		WRITING_TEST(test_a_round_that_fails),
		WRITING_TEST(test_a_round_of_many_that_fails),
		WRITING_TEST(test_an_epoch_that_has_to_wait),
		WRITING_TEST(test_the_thread),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
