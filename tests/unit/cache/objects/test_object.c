/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>

#include "unit/await.h"
#include "unit/object_samples.h"

#define CHUNKS 130 /* two words of a bitmap, and a bit */

static void test_bits(void **state)
{
	struct directory *d = *state;
	struct object *o = sample_object(d, 1, CHUNKS);

	for (uint64_t i = 0; i < CHUNKS; i++) {
		assert_false(object_has_here(o, i));
		object_set_present(o, i);
		assert_true(object_has_here(o, i));
		assert_int_equal(object_first_missing(o), i + 1);
	}
	assert_false(object_has_here(o, CHUNKS));
	assert_false(object_has_here(o, 191));
	assert_false(object_has_here(o, UINT64_MAX));
	assert_true(atomic_load(&o->whole));
	for (uint64_t i = CHUNKS; i-- > 0;) {
		object_clear_present(o, i);
		assert_false(object_has_here(o, i));
		assert_int_equal(object_first_missing(o), i);
	}
	object_put(o);
}

/* Whose file cannot be read has nothing. */
static void test_a_lost_object(void **state)
{
	struct directory *d = *state;
	struct object *o = sample_object(d, 1, 3);

	object_set_present(o, 1);
	atomic_store(&o->lost, true);
	assert_false(object_has_here(o, 1));
	object_put(o);
}

static void test_words_of_just_their_chunks(void **state)
{
	struct directory *d = *state;
	static const uint64_t counts[] = {1, 63, 64, 65, 127, 128, 129};

	for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
		struct object *o = sample_object(d, (unsigned)k, counts[k]);

		assert_false(atomic_load(&o->whole));
		for (uint64_t i = counts[k]; i-- > 0;) {
			assert_int_equal(object_first_missing(o), 0);
			object_set_present(o, i);
		}
		assert_int_equal(object_first_missing(o), counts[k]);
		assert_true(atomic_load(&o->whole));
		object_put(o);
	}
}

/* Marked in another generation: each chunk is hashed once. */
static void test_chunks_that_are_not_trusted(void **state)
{
	struct object *o = sample_object_without_file(*state, 1, 70, false);
	struct object_record r = sample_record(1, 70);
	uint64_t bitmap[2] = {UINT64_C(1) << 5 | UINT64_C(1) << 63, 1};

	r.bitmap = bitmap;
	object_merge(o, &r);
	assert_true(object_has_here(o, 5));
	assert_true(object_must_check(o, 5));
	assert_int_equal(object_first_missing(o), 0);
	assert_false(object_set_checked(o, 5));
	assert_false(object_must_check(o, 5));
	assert_false(object_set_checked(o, 63));
	/* The last one that had to be. */
	assert_true(object_set_checked(o, 64));
	/* What this process writes itself is right. */
	object_set_present(o, 0);
	assert_false(object_must_check(o, 0));
	assert_int_equal(object_first_missing(o), 1);
	assert_int_equal(object_bitmap_bytes(o), 2 * 2 * sizeof(uint64_t));
	object_put(o);
}

static void test_chunks_that_are_trusted(void **state)
{
	struct object *o = sample_object_without_file(*state, 1, 70, true);

	object_set_present(o, 69);
	assert_false(object_must_check(o, 69));
	assert_int_equal(object_bitmap_bytes(o), 2 * sizeof(uint64_t));
	object_put(o);
}

/* The record adds to what is known; while chunks are dropped, it has bits that are not to
 * be believed. */
static void test_merging(void **state)
{
	struct object *o = sample_object_without_file(*state, 1, 70, true);
	struct object_record r = sample_record(1, 70);
	uint64_t bitmap[2] = {2, 1};

	r.bitmap = bitmap;
	object_set_present(o, 0);
	object_merge(o, &r);
	assert_true(object_has_here(o, 0));
	assert_true(object_has_here(o, 1));
	assert_true(object_has_here(o, 64));
	object_begin_dropping(o);
	object_clear_present(o, 1);
	object_merge(o, &r);
	assert_false(object_has_here(o, 1));
	assert_true(object_has_here(o, 64));
	object_put(o);
}

static void test_is_of_its_record(void **state)
{
	struct object_record r = sample_record(1, 3);
	struct object *o = sample_object_without_file(*state, 1, 3, true);

	assert_true(object_is_of(o, &r));
	r.last_use = 2000;
	r.present = 2;
	assert_true(object_is_of(o, &r));
	r.drops = 1;
	assert_false(object_is_of(o, &r));
	r = sample_record(2, 3);
	assert_false(object_is_of(o, &r));
	r = sample_record(1, 4);
	assert_false(object_is_of(o, &r));
	r = sample_record(1, 3);
	r.size--;
	assert_false(object_is_of(o, &r));
	object_put(o);
}

static void test_is_as_it_is_wanted(void **state)
{
	struct object *o = sample_object(*state, 1, 3);
	struct want w = {.object_size = 3 * SAMPLE_CHUNK, .chunks = 3};

	assert_true(object_is_as(o, NULL));
	assert_true(object_is_as(o, &w));
	w.chunks = 4;
	assert_false(object_is_as(o, &w));
	w.chunks = 3;
	w.object_size++;
	assert_false(object_is_as(o, &w));
	object_put(o);
}

/* A file that the books never heard of would lie there for ever. */
static void test_the_last_reference(void **state)
{
	struct directory *d = *state;
	struct object *o = sample_object(d, 1, 3), *recorded = sample_object(d, 2, 3);

	assert_ptr_equal(object_get(o), o);
	object_put(o);
	assert_true(sample_has_file(d, 1, 1));
	object_put(o);
	assert_false(sample_has_file(d, 1, 1));
	atomic_store(&recorded->recorded, true);
	object_put(recorded);
	assert_true(sample_has_file(d, 2, 2));
	object_put(NULL);
}

static void test_a_file_that_was_cut(void **state)
{
	struct object *o = sample_object(*state, 1, 3);

	assert_true(object_file_is_whole(o));
	assert_int_equal(ftruncate(o->fd, 1), 0);
	assert_false(object_file_is_whole(o));
	object_put(o);
}

static void test_filled_in_order(void **state)
{
	struct object *o = sample_object_without_file(*state, 1, 100, true);

	assert_true(object_is_filled_in_order(o, 0));
	assert_false(object_is_filled_in_order(o, 50));
	for (uint64_t i = 40; i < 50; i++)
		object_set_present(o, i);
	assert_true(object_is_filled_in_order(o, 50));
	assert_false(object_is_filled_in_order(o, 60));
	/* A few that are on their way do not matter. */
	assert_true(object_is_filled_in_order(o, 52));
	object_put(o);
}

struct setter {
	struct object *object;
	uint64_t first;
	unsigned wrong;
};

static void *set_every_fourth(void *arg)
{
	struct setter *s = arg;
	struct object_record r = sample_record(1, 1000);
	uint64_t bitmap[BITMAP_WORDS(1000)] = {1};

	r.bitmap = bitmap;
	for (uint64_t i = s->first; i < 1000; i += 4) {
		object_get(s->object);
		object_set_present(s->object, i);
		object_merge(s->object, &r);
		s->wrong += !object_has_here(s->object, i);
		s->wrong += object_first_missing(s->object) == i;
		object_put(s->object);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct object *o = sample_object(*state, 1, 1000);
	struct setter setters[4];
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++) {
		setters[i] = (struct setter){o, i, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, set_every_fourth, &setters[i]),
			0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(setters[i].wrong, 0);
	}
	assert_int_equal(object_first_missing(o), 1000);
	assert_true(atomic_load(&o->whole));
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(test_bits),
		DIRECTORY_TEST(test_a_lost_object),
		DIRECTORY_TEST(test_words_of_just_their_chunks),
		DIRECTORY_TEST(test_chunks_that_are_not_trusted),
		DIRECTORY_TEST(test_chunks_that_are_trusted),
		DIRECTORY_TEST(test_merging),
		DIRECTORY_TEST(test_is_of_its_record),
		DIRECTORY_TEST(test_is_as_it_is_wanted),
		DIRECTORY_TEST(test_the_last_reference),
		DIRECTORY_TEST(test_a_file_that_was_cut),
		DIRECTORY_TEST(test_filled_in_order),
		DIRECTORY_TEST(test_many_threads),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
