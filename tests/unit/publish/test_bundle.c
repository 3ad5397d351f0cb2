/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "format/blob.h"
#include "publish/bundle.h"
#include "publish/chunker.h"

#define FILES_MAX 200000

/* Where bundles end among `count` files, by number; entries of size 0 carry nothing. */
struct ends {
	uint32_t at[FILES_MAX];
	uint32_t count;
};

static struct key_hash hash_of(uint64_t number)
{
	return (struct key_hash){digest_of(&number, sizeof number)};
}

static void bundle_all(
	const uint64_t *sizes, const uint64_t *keys, uint32_t count, struct ends *out)
{
	struct bundle b = {0};

	out->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct key_hash hash = hash_of(keys[i]);

		if (bundle_ends_before(&b, sizes[i]))
			out->at[out->count++] = i;
		if (sizes[i] > 0 && bundle_add(&b, sizes[i], &hash))
			out->at[out->count++] = i + 1;
	}
}

static uint64_t mean_of(uint64_t size, uint32_t count)
{
	uint64_t *sizes = malloc(count * sizeof *sizes),
		 *keys = malloc(count * sizeof *keys);
	struct ends *ends = malloc(sizeof *ends);
	uint64_t mean;

	for (uint32_t i = 0; i < count; i++) {
		sizes[i] = size;
		keys[i] = i;
	}
	bundle_all(sizes, keys, count, ends);
	mean = size * ends->at[ends->count - 1] / ends->count;
	for (uint32_t i = 0; i + 1 < ends->count; i++)
		assert_true((ends->at[i + 1] - ends->at[i]) * size <= CHUNK_SIZE_MAX);
	free(sizes);
	free(keys);
	free(ends);
	return mean;
}

static void test_mean_hardly_depends_on_the_size(void **state)
{
	(void)state;
	assert_in_range(
		mean_of(3000, 100000), BUNDLE_TARGET * 3 / 4, BUNDLE_TARGET * 5 / 4);
	assert_in_range(mean_of(500, 200000), BUNDLE_TARGET * 3 / 4, BUNDLE_TARGET * 5 / 4);
	assert_in_range(
		mean_of(40000, 20000), BUNDLE_TARGET * 3 / 4, BUNDLE_TARGET * 5 / 4);
	assert_in_range(mean_of(LARGE_FILE_MIN - 1, 5000), BUNDLE_TARGET * 3 / 4,
		BUNDLE_TARGET * 5 / 4);
}

static void test_tiny_files_end_by_span(void **state)
{
	struct bundle b = {0};
	struct key_hash hash = hash_of(1);

	(void)state;
	for (uint32_t i = 1; i <= BUNDLE_SPAN; i++) {
		assert_int_equal(bundle_ends_before(&b, 1), false);
		assert_false(bundle_add(&b, 1, &hash));
	}
	assert_true(bundle_ends_before(&b, 1));
	assert_int_equal(b.files, 0);
}

/* Entries without content count for the span, but only once a bundle is open. */
static void test_other_entries_span(void **state)
{
	struct bundle b = {0};
	struct key_hash hash = hash_of(1);

	(void)state;
	for (uint32_t i = 0; i < 2 * BUNDLE_SPAN; i++)
		assert_false(bundle_ends_before(&b, 0));
	assert_false(bundle_add(&b, 1, &hash));
	for (uint32_t i = 1; i < BUNDLE_SPAN; i++)
		assert_false(bundle_ends_before(&b, 0));
	assert_true(bundle_ends_before(&b, 0));
}

static void test_never_over_the_chunk_size(void **state)
{
	struct bundle b = {.bytes = CHUNK_SIZE_MAX - 10, .files = 1};

	(void)state;
	assert_false(bundle_ends_before(&b, 10));
	assert_true(bundle_ends_before(&b, 11));
}

/* Ends before the edit stay; behind it they fall into step again. */
static void test_an_edit_is_local(void **state)
{
	uint32_t count = 20000, edited = 10000, missing = 0;
	uint64_t *sizes = malloc((count + 1) * sizeof *sizes);
	uint64_t *keys = malloc((count + 1) * sizeof *keys);
	struct ends *before = malloc(sizeof *before), *after = malloc(sizeof *after);

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		sizes[i] = 1000 + i * 7919 % 9000;
		keys[i] = i;
	}
	bundle_all(sizes, keys, count, before);
	for (uint32_t i = count; i > edited; i--) {
		sizes[i] = sizes[i - 1];
		keys[i] = keys[i - 1];
	}
	sizes[edited] = 50000;
	keys[edited] = UINT64_MAX;
	bundle_all(sizes, keys, count + 1, after);
	for (uint32_t i = 0; i < before->count; i++) {
		uint32_t end = before->at[i] + (before->at[i] > edited), k = 0;

		while (k < after->count && after->at[k] != end)
			k++;
		missing += k == after->count;
	}
	assert_true(before->count > 50);
	assert_true(missing <= 5);
	free(sizes);
	free(keys);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mean_hardly_depends_on_the_size),
		cmocka_unit_test(test_tiny_files_end_by_span),
		cmocka_unit_test(test_other_entries_span),
		cmocka_unit_test(test_never_over_the_chunk_size),
		cmocka_unit_test(test_an_edit_is_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
