/* SPDX-License-Identifier: MIT */
#include "cache/meta/records.h"
#include "cache/meta/scrub_record.h"
#include "unit/meta_samples.h"

static void test_swap(void **state)
{
	struct books *b = *state;
	const struct scrub_record nothing = {.user = 0};
	struct scrub_record mine = {.user = 7, .seen = 100, .bytes = 5}, his, got;

	assert_int_equal(scrub_record_get(b->metadata, &got), 0);
	assert_memory_equal(&got, &nothing, sizeof got);
	assert_int_equal(scrub_record_swap(b->metadata, DEADLINE_NONE, &nothing, &mine), 0);
	assert_int_equal(scrub_record_get(b->metadata, &got), 0);
	assert_memory_equal(&got, &mine, sizeof got);
	/* Another one took over while this one was stopped. */
	his = mine;
	his.user = 8;
	assert_int_equal(scrub_record_swap(b->metadata, DEADLINE_NONE, &mine, &his), 0);
	mine.bytes = 6;
	assert_int_equal(
		scrub_record_swap(b->metadata, DEADLINE_NONE, &got, &mine), ERR_CHANGED);
	assert_int_equal(scrub_record_get(b->metadata, &got), 0);
	assert_memory_equal(&got, &his, sizeof got);
}

/* A rotten one is as good as none. */
static void test_rot(void **state)
{
	struct books *b = *state;
	const struct scrub_record nothing = {.user = 0};
	struct scrub_record r = {.user = 7}, got;

	assert_int_equal(scrub_record_swap(b->metadata, DEADLINE_NONE, &nothing, &r), 0);
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_SCRUB), 20),
		0);
	assert_int_equal(scrub_record_get(b->metadata, &got), 0);
	assert_memory_equal(&got, &nothing, sizeof got);
	assert_int_equal(scrub_record_swap(b->metadata, DEADLINE_NONE, &nothing, &r), 0);
	assert_int_equal(scrub_record_get(b->metadata, &got), 0);
	assert_memory_equal(&got, &r, sizeof got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_swap),
		BOOKS_TEST(test_rot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
