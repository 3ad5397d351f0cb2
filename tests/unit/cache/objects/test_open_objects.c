/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>

#include "cache/objects/open_objects.h"
#include "unit/await.h"
#include "unit/object_samples.h"

#define STRIPES 16

/* An object without a file whose name is `number` in the stripe 0: then the bound of a
 * stripe is the bound. */
static struct object *in_one_stripe(struct directory *d, unsigned number, uint64_t chunks)
{
	struct object_record r = sample_record(number, chunks);
	struct object_id name = {.digest = {{0}}};
	struct object *o;

	memcpy(name.digest.bytes + 1, &number, sizeof number);
	o = object_new(d, &name, &r, r.generation);
	assert_non_null(o);
	return o;
}

/* In the table, and no longer referred to by us. */
static void add(struct open_objects *t, struct object *o)
{
	struct object *added = open_objects_add(t, o);

	assert_ptr_equal(added, o);
	object_put(added);
}

static bool has(struct open_objects *t, struct directory *d, unsigned number)
{
	struct object *name = in_one_stripe(d, number, 1);
	struct object **list;
	size_t count;
	bool found = false;

	/* Not open_objects_find(), which would be a use. */
	assert_int_equal(open_objects_list(t, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		found = found || object_id_equal(&list[i]->id, &name->id);
		object_put(list[i]);
	}
	free(list);
	object_put(name);
	return found;
}

static size_t count_of(struct open_objects *t)
{
	struct object **list;
	size_t count;

	assert_int_equal(open_objects_list(t, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		object_put(list[i]);
	free(list);
	return count;
}

static void test_find_and_remove(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(64);
	struct object *o = sample_object(d, 1, 3), *found;
	struct object_id name = o->id;

	assert_null(open_objects_find(t, &name));
	assert_ptr_equal(open_objects_add(t, o), o);
	found = open_objects_find(t, &name);
	assert_ptr_equal(found, o);
	assert_int_equal(atomic_load(&o->refs), 3);
	object_put(found);
	open_objects_remove(t, o);
	assert_null(open_objects_find(t, &name));
	assert_int_equal(atomic_load(&o->refs), 1);
	/* Not there any more: harmless. */
	open_objects_remove(t, o);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	assert_false(sample_has_file(d, 1, 1));
	open_objects_free(t);
	open_objects_free(NULL);
}

/* Two that made the same: the first one is it. */
static void test_one_of_each_name(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(64);
	struct object *one = sample_object_of(d, 1, 10, 3);
	struct object *two = sample_object_of(d, 1, 11, 3);

	assert_ptr_equal(open_objects_add(t, one), one);
	assert_ptr_equal(open_objects_add(t, two), one);
	assert_int_equal(atomic_load(&one->refs), 3);
	assert_false(sample_has_file(d, 1, 11));
	assert_int_equal(count_of(t), 1);
	object_put(one);
	object_put(one);
	open_objects_free(t);
	assert_false(sample_has_file(d, 1, 10));
}

static void test_the_bound(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(3 * STRIPES);

	for (unsigned i = 0; i < 20; i++) {
		add(t, in_one_stripe(d, i, 1));
		assert_true(count_of(t) <= 3);
		assert_true(has(t, d, i));
	}
	for (unsigned i = 17; i < 20; i++)
		assert_true(has(t, d, i));
	open_objects_free(t);
	/* A bound of nothing still has one in each stripe. */
	t = open_objects_new(0);
	add(t, in_one_stripe(d, 1, 1));
	assert_true(has(t, d, 1));
	open_objects_free(t);
}

static void test_the_least_used_go(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(3 * STRIPES);
	struct object *first = in_one_stripe(d, 0, 1);
	struct object_id name = first->id;

	add(t, first);
	add(t, in_one_stripe(d, 1, 1));
	add(t, in_one_stripe(d, 2, 1));
	object_put(open_objects_find(t, &name));
	add(t, in_one_stripe(d, 3, 1));
	assert_true(has(t, d, 0));
	assert_false(has(t, d, 1));
	assert_true(has(t, d, 2));
	open_objects_free(t);
}

/* Whoever reads from one goes on, whatever the bound; let go of, it is one of the rest. */
static void test_those_referred_to_stay(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(2 * STRIPES);
	struct object *held[5];

	for (unsigned i = 0; i < 5; i++) {
		held[i] = in_one_stripe(d, i, 1);
		assert_ptr_equal(open_objects_add(t, held[i]), held[i]);
	}
	assert_int_equal(count_of(t), 5);
	for (unsigned i = 5; i < 10; i++)
		add(t, in_one_stripe(d, i, 1));
	for (unsigned i = 0; i < 5; i++)
		assert_true(has(t, d, i));
	for (unsigned i = 0; i < 5; i++)
		object_put(held[i]);
	add(t, in_one_stripe(d, 10, 1));
	assert_int_equal(count_of(t), 2);
	open_objects_free(t);
}

/* Large bitmaps are bounded, too; but the newest stays. */
static void test_the_bound_of_bitmaps(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(100 * STRIPES);

	for (unsigned i = 0; i < 5; i++)
		add(t, in_one_stripe(d, i, UINT64_C(1) << 20));
	assert_true(count_of(t) < 5);
	assert_true(has(t, d, 4));
	add(t, in_one_stripe(d, 5, OBJECT_CHUNKS_CAP));
	assert_int_equal(count_of(t), 1);
	assert_true(has(t, d, 5));
	open_objects_free(t);
}

static void test_busy(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(64);
	struct object *o = sample_object(d, 1, 3);
	struct object_id name = o->id;

	assert_false(open_objects_busy(t, &name));
	add(t, o);
	assert_true(open_objects_busy(t, &name));
	/* An hour ago: not busy, unless somebody reads from it. */
	atomic_store(&o->touched, clock_monotonic() - 3600 * NS_PER_SECOND);
	assert_false(open_objects_busy(t, &name));
	object_get(o);
	assert_true(open_objects_busy(t, &name));
	object_put(o);
	assert_false(open_objects_busy(t, &name));
	open_objects_free(t);
}

static void test_forget_that_instance(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(64);
	struct object *o = sample_object_of(d, 1, 10, 3);
	struct object_id name = o->id, other = sample_id(2);

	assert_ptr_equal(open_objects_add(t, o), o);
	open_objects_forget(t, &other, 10);
	open_objects_forget(t, &name, 11);
	assert_false(atomic_load(&o->gone));
	assert_int_equal(count_of(t), 1);
	open_objects_forget(t, &name, 10);
	assert_true(atomic_load(&o->gone));
	assert_int_equal(count_of(t), 0);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	open_objects_free(t);
}

static void test_list_has_all(void **state)
{
	struct directory *d = *state;
	struct open_objects *t = open_objects_new(1024);
	struct object **list;
	uint64_t sum = 0;
	size_t count;

	assert_int_equal(open_objects_list(t, &list, &count), 0);
	assert_int_equal(count, 0);
	free(list);
	for (unsigned i = 0; i < 100; i++)
		add(t, sample_object_without_file(d, i, 1, true));
	assert_int_equal(open_objects_list(t, &list, &count), 0);
	assert_int_equal(count, 100);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(atomic_load(&list[i]->refs), 2);
		sum += list[i]->instance;
		object_put(list[i]);
	}
	assert_int_equal(sum, 99 * 100 / 2);
	free(list);
	open_objects_free(t);
}

struct user {
	struct open_objects *table;
	struct directory *directory;
	unsigned seed, wrong;
};

static void *use_table(void *arg)
{
	struct user *u = arg;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned number = (unsigned)rand_r(&u->seed) % 40;
		struct object_id name = sample_id(number);
		struct object *o = open_objects_find(u->table, &name);

		if (!o)
			o = open_objects_add(u->table,
				sample_object_without_file(u->directory, number, 9, true));
		object_set_present(o, number % 9);
		u->wrong += o->instance != number;
		if (i % 5 == 0)
			open_objects_remove(u->table, o);
		if (i % 7 == 0)
			open_objects_forget(u->table, &name, number);
		u->wrong += !object_has_here(o, number % 9);
		object_put(o);
		open_objects_busy(u->table, &name);
		if (i % 500 == 0)
			u->wrong += count_of(u->table) > 40;
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct open_objects *t = open_objects_new(16);
	struct user users[4];
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++) {
		users[i] = (struct user){t, *state, i + 1, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, use_table, &users[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(users[i].wrong, 0);
	}
	open_objects_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(test_find_and_remove),
		DIRECTORY_TEST(test_one_of_each_name),
		DIRECTORY_TEST(test_the_bound),
		DIRECTORY_TEST(test_the_least_used_go),
		DIRECTORY_TEST(test_those_referred_to_stay),
		DIRECTORY_TEST(test_the_bound_of_bitmaps),
		DIRECTORY_TEST(test_busy),
		DIRECTORY_TEST(test_forget_that_instance),
		DIRECTORY_TEST(test_list_has_all),
		DIRECTORY_TEST(test_many_threads),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
