/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "fs/readahead.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static const struct readahead_limits limits = {
	.slack = 256 * KIB,
	.first = MIB,
	.most = 8 * MIB,
};

static void test_first_read_gets_nothing(void **state)
{
	struct readahead r = {0};

	(void)state;
	assert_int_equal(readahead_note(&r, &limits, 0, 128 * KIB).size, 0);
	assert_int_equal(readahead_note(&r, &limits, 50 * MIB, 128 * KIB).size, 0);
}

/* A sequential reader is given every byte once, in order, and ever more at a time. */
static void test_sequential(void **state)
{
	struct readahead r = {0};
	uint64_t reached = 0, largest = 0;

	(void)state;
	for (uint64_t at = 0; at < 100 * MIB; at += 128 * KIB) {
		struct run run = readahead_note(&r, &limits, at, 128 * KIB);

		if (run.size == 0)
			continue;
		if (reached)
			assert_int_equal(run.start, reached);
		assert_true(run.start >= at + 128 * KIB);
		reached = run.start + run.size;
		assert_true(reached <= at + 128 * KIB + limits.most);
		if (run.size > largest)
			largest = run.size;
	}
	assert_true(reached > 100 * MIB);
	assert_true(largest >= limits.most / 2);
}

/* At no time is the reader closer to the end of what was asked for than half a window. */
static void test_stays_ahead(void **state)
{
	struct readahead r = {0};
	uint64_t reached = 0;

	(void)state;
	for (uint64_t at = 0; at < 100 * MIB; at += 128 * KIB) {
		struct run run = readahead_note(&r, &limits, at, 128 * KIB);

		if (run.size)
			reached = run.start + run.size;
		if (at > 32 * MIB)
			assert_true(reached >= at + limits.most / 2);
	}
}

static void test_random_gets_nothing(void **state)
{
	struct readahead r = {0};
	uint64_t seed = 1, given = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		given += readahead_note(&r, &limits, (seed >> 24) % (4096 * MIB), 64 * KIB)
				 .size;
	}
	/* By chance one falls next to another; that must stay the exception. */
	assert_true(given <= 10 * limits.first);
}

/* Several readers of one file do not spoil each other's windows. */
static void test_streams(void **state)
{
	struct readahead r = {0};
	uint64_t given[READAHEAD_STREAMS] = {0};

	(void)state;
	for (uint64_t at = 0; at < 20 * MIB; at += 128 * KIB)
		for (uint64_t s = 0; s < READAHEAD_STREAMS; s++)
			given[s] += readahead_note(
				&r, &limits, s * 1000 * MIB + at, 128 * KIB)
					    .size;
	for (int s = 0; s < READAHEAD_STREAMS; s++)
		assert_true(given[s] >= 20 * MIB);
}

/* The kernel's requests overtake each other a little. */
static void test_out_of_order(void **state)
{
	struct readahead r = {0};
	uint64_t given = 0;

	(void)state;
	for (uint64_t at = 0; at < 20 * MIB; at += 256 * KIB) {
		given += readahead_note(&r, &limits, at + 128 * KIB, 128 * KIB).size;
		given += readahead_note(&r, &limits, at, 128 * KIB).size;
	}
	assert_true(given >= 20 * MIB);
}

static void test_off(void **state)
{
	const struct readahead_limits off = {.slack = MIB, .first = 0, .most = 0};
	struct readahead r = {0};

	(void)state;
	for (uint64_t at = 0; at < 10 * MIB; at += 128 * KIB)
		assert_int_equal(readahead_note(&r, &off, at, 128 * KIB).size, 0);
}

static void test_hostile_numbers(void **state)
{
	struct readahead r = {0};

	(void)state;
	assert_int_equal(readahead_note(&r, &limits, UINT64_MAX, 1).size, 0);
	assert_int_equal(readahead_note(&r, &limits, UINT64_MAX, UINT64_MAX).size, 0);
	assert_int_equal(readahead_note(&r, &limits, INT64_MAX, 1).size, 0);
	assert_int_equal(readahead_note(&r, &limits, INT64_MAX, 1).size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_read_gets_nothing),
		cmocka_unit_test(test_sequential),
		cmocka_unit_test(test_stays_ahead),
		cmocka_unit_test(test_random_gets_nothing),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_hostile_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
