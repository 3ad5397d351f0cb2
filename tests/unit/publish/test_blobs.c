/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>

#include "publish/blobs.h"
#include "publish/store_directory.h"
#include "unit/await.h"
#include "unit/trees.h"

#define SIZE (300u << 10)
#define THREADS 4
#define CONTENTS 40

static char *directory;
static struct store *store;
static struct scratches *scratches;
static struct scratch *x;

static int set_up(void **state)
{
	struct trouble t = {0};

	(void)state;
	directory = trees_new();
	assert_int_equal(store_directory_open(
				 trees_path(directory, "store"), STORE_MAKE, &store, &t),
		0);
	scratches = scratches_new(store, NULL);
	x = scratch_take(scratches);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_give(scratches, x);
	scratches_free(scratches);
	store_close(store);
	trees_remove(directory);
	return 0;
}

static int hint_find(void *ctx, struct scratch *scratch, struct digest *out)
{
	(void)scratch;
	if (!ctx)
		return ERR_ABSENT;
	*out = *(const struct digest *)ctx;
	return 0;
}

/* Puts `data`; the base that is hinted at may be NULL. Gives its name. */
static struct digest put(struct blobs *b, const uint8_t *data, struct digest *base)
{
	struct base_hint hint = {.find = hint_find, .ctx = base};
	struct digest name = digest_of(data, SIZE);

	assert_int_equal(blobs_put(b, x, &name, span_of(data, SIZE), &hint, NULL), 0);
	return name;
}

static struct stored stored_of(const struct digest *name)
{
	struct stored s;

	assert_int_equal(store_find_blob(store, name, &s, NULL), 0);
	return s;
}

static void reads_back(const struct digest *name, const uint8_t *data)
{
	struct bytes content = {0};

	assert_int_equal(store_read_blob(store, x->codec, name, &content, NULL), 0);
	assert_true(span_equal(span_of_bytes(&content), span_of(data, SIZE)));
	bytes_release(&content);
}

static void test_once_is_enough(void **state)
{
	struct blobs *b = blobs_new(store, 3, 1, false);
	uint8_t *data = trees_noise(1, SIZE);
	struct digest name = put(b, data, NULL);
	struct blob_totals t;

	(void)state;
	put(b, data, NULL);
	t = blobs_totals(b);
	assert_int_equal(t.new_blobs, 1);
	assert_int_equal(t.new_bytes, stored_of(&name).size);
	assert_int_equal(t.stored, t.new_bytes);
	assert_false(t.delta);
	reads_back(&name, data);
	blobs_free(b);
	/* the next revision finds it */
	b = blobs_new(store, 3, 1, false);
	assert_int_equal(blobs_adopt(b, x, &name, 0), 0);
	t = blobs_totals(b);
	assert_int_equal(t.new_blobs, 0);
	assert_int_equal(t.stored, stored_of(&name).size);
	name.bytes[0] ^= 1;
	assert_int_equal(blobs_adopt(b, x, &name, 0), ERR_ABSENT);
	blobs_free(b);
	free(data);
}

static void test_deltas_keep_to_one_level(void **state)
{
	struct blobs *b = blobs_new(store, 3, 1, false);
	uint8_t *data = trees_noise(1, SIZE);
	struct digest first = put(b, data, NULL), second, third;
	struct stored found;
	struct blob_totals t;

	(void)state;
	data[1000] ^= 0xff;
	second = put(b, data, &first);
	assert_true(stored_of(&second).has_base);
	assert_true(stored_of(&second).size < 2000);
	reads_back(&second, data);
	/* hinting at a delta leads to its base */
	data[2000] ^= 0xff;
	third = put(b, data, &second);
	found = stored_of(&third);
	assert_true(found.has_base && digest_equal(&found.base, &first));
	reads_back(&third, data);
	t = blobs_totals(b);
	assert_int_equal(t.delta_blobs, 2);
	assert_true(t.delta);
	blobs_free(b);
	/* a delta that is there already brings its base and the feature */
	b = blobs_new(store, 3, 1, false);
	assert_int_equal(blobs_adopt(b, x, &third, SIZE), 0);
	t = blobs_totals(b);
	assert_true(t.delta);
	assert_int_equal(t.delta_blobs, 0);
	assert_int_equal(t.stored, stored_of(&first).size + stored_of(&third).size);
	blobs_free(b);
	free(data);
}

static void test_a_base_that_does_not_help(void **state)
{
	struct blobs *b = blobs_new(store, 3, 1, false);
	uint8_t *one = trees_noise(1, SIZE), *two = trees_noise(2, SIZE);
	struct digest first = put(b, one, NULL), second = put(b, two, &first);
	struct digest absent = digest_of("", 0);

	(void)state;
	assert_false(stored_of(&second).has_base);
	two[0] ^= 1;
	second = put(b, two, &absent);
	assert_false(stored_of(&second).has_base);
	assert_false(blobs_totals(b).delta);
	assert_int_equal(blobs_totals(b).stored, blobs_totals(b).new_bytes);
	blobs_free(b);
	free(one);
	free(two);
}

/* A delta whose base is gone is no blob: it is written again. */
static void test_a_lost_base(void **state)
{
	struct blobs *b = blobs_new(store, 3, 1, false);
	uint8_t *data = trees_noise(1, SIZE);
	struct digest first = put(b, data, NULL), second;
	char path[BLOB_PATH_SIZE + 8] = "store/";

	(void)state;
	data[1000] ^= 0xff;
	second = put(b, data, &first);
	blob_path(&first, path + 6);
	assert_int_equal(unlink(trees_path(directory, path)), 0);
	assert_int_equal(blobs_adopt(b, x, &second, SIZE), ERR_CORRUPT);
	put(b, data, &first);
	assert_false(stored_of(&second).has_base);
	reads_back(&second, data);
	blobs_free(b);
	free(data);
}

static void *put_all(void *arg)
{
	struct blobs *b = arg;
	struct scratch *own = scratch_take(scratches);

	for (uint64_t i = 0; i < CONTENTS; i++) {
		struct digest name = digest_of(&i, sizeof i);

		assert_int_equal(
			blobs_put(b, own, &name, span_of(&i, sizeof i), NULL, NULL), 0);
	}
	scratch_give(scratches, own);
	return NULL;
}

static void test_many_threads_one_blob(void **state)
{
	struct blobs *b = blobs_new(store, 3, THREADS, false);
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_all, b), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(blobs_totals(b).new_blobs, CONTENTS);
	assert_int_equal(blobs_totals(b).stored, blobs_totals(b).new_bytes);
	blobs_free(b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_once_is_enough),
		TEST(test_deltas_keep_to_one_level),
		TEST(test_a_base_that_does_not_help),
		TEST(test_a_lost_base),
		TEST(test_many_threads_one_blob),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
