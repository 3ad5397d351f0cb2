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

#define LIMIT_GRAIN (512 * KIB)

static const struct readahead_limits limits = {
	.slack = 256 * KIB,
	.first = MIB,
	.most = 8 * MIB,
	.grain = LIMIT_GRAIN,
};

static void test_first_read_gets_nothing(void **state)
{
	struct readahead r = {0};

	(void)state;
	assert_int_equal(readahead_note(&r, &limits, 0, 128 * KIB).run.size, 0);
	assert_int_equal(readahead_note(&r, &limits, 50 * MIB, 128 * KIB).run.size, 0);
}

/* A sequential reader is given every byte once, in order, and ever more at a time. */
static void test_sequential(void **state)
{
	struct readahead r = {0};
	uint64_t reached = 0, largest = 0;

	(void)state;
	for (uint64_t at = 0; at < 100 * MIB; at += 128 * KIB) {
		struct run run = readahead_note(&r, &limits, at, 128 * KIB).run;

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
		struct run run = readahead_note(&r, &limits, at, 128 * KIB).run;

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
				 .run.size;
	}
	/* By chance one falls next to another; that must stay the exception. */
	assert_true(given <= 10 * limits.first);
}

#define READERS 8

/* Several readers of one file do not spoil each other's windows. */
static void test_streams(void **state)
{
	struct readahead r = {0};
	uint64_t given[READERS] = {0};

	(void)state;
	for (uint64_t at = 0; at < 20 * MIB; at += 128 * KIB)
		for (uint64_t s = 0; s < READERS; s++)
			given[s] += readahead_note(
				&r, &limits, s * 1000 * MIB + at, 128 * KIB)
					    .run.size;
	for (int s = 0; s < READERS; s++)
		assert_true(given[s] >= 20 * MIB);
}

/* The kernel's requests overtake each other a little. */
static void test_out_of_order(void **state)
{
	struct readahead r = {0};
	uint64_t given = 0;

	(void)state;
	for (uint64_t at = 0; at < 20 * MIB; at += 256 * KIB) {
		given += readahead_note(&r, &limits, at + 128 * KIB, 128 * KIB).run.size;
		given += readahead_note(&r, &limits, at, 128 * KIB).run.size;
	}
	assert_true(given >= 20 * MIB);
}

/* The plan's runs, checked against who steps `stride` at a time: whole steps, each once. */
static uint64_t count_steps(const struct plan *p, uint64_t at, uint64_t stride,
	uint64_t size, uint64_t *reached)
{
	uint64_t last;

	if (!p->run.size)
		return 0;
	last = p->run.start + (p->times - 1) * p->stride;
	assert_int_equal(p->stride, stride);
	assert_int_equal(p->run.size, size);
	assert_int_equal((p->run.start - at) % stride, 0);
	assert_true(p->run.start > at && p->run.start > *reached);
	assert_true(p->times * LIMIT_GRAIN <= limits.most);
	*reached = last;
	return p->times;
}

/* Who reads a little in steps of one length is given the next steps, more and more of
 * them, and nothing in between. */
static void test_strides(void **state)
{
	const uint64_t stride = 7 * MIB + 4096;
	struct readahead r = {0};
	uint64_t reached = 0, steps = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct plan p = readahead_note(&r, &limits, i * stride, 64 * KIB);

		assert_true(i >= 2 || !p.run.size);
		steps += count_steps(&p, i * stride, stride, 64 * KIB, &reached);
		if (i >= 10)
			assert_true(reached >= (i + 8) * stride);
	}
	assert_true(steps >= 98 + 8);
}

/* The kernel asks for one step of a reader in several requests. */
static void test_strides_of_several_requests(void **state)
{
	const uint64_t stride = 20 * MIB;
	struct readahead r = {0};
	uint64_t reached = 0, steps = 0;

	(void)state;
	for (uint64_t i = 0; i < 50; i++) {
		for (uint64_t k = 0; k < 4; k++) {
			struct plan p = readahead_note(
				&r, &limits, i * stride + k * 128 * KIB, 128 * KIB);

			if (i >= 2 && k == 0)
				steps += count_steps(
					&p, i * stride, stride, 512 * KIB, &reached);
			else if (i >= 2)
				assert_int_equal(p.run.size, 0);
		}
	}
	assert_true(steps >= 48);
}

static void test_strides_beside_each_other(void **state)
{
	struct readahead r = {0};
	uint64_t steps[2] = {0};

	(void)state;
	for (uint64_t i = 0; i < 50; i++)
		for (uint64_t k = 0; k < 2; k++)
			steps[k] += readahead_note(
				&r, &limits, k * 10000 * MIB + i * (3 + k) * MIB, 64 * KIB)
					    .times;
	assert_true(steps[0] >= 48 && steps[1] >= 48);
}

/* Steps that have become one run are a run. */
static void test_stride_turns_sequential(void **state)
{
	struct readahead r = {0};
	uint64_t given = 0;

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		readahead_note(&r, &limits, i * MIB, 64 * KIB);
	for (uint64_t at = 3 * MIB + 64 * KIB; at < 40 * MIB; at += 128 * KIB) {
		struct plan p = readahead_note(&r, &limits, at, 128 * KIB);

		if (p.times == 1)
			given += p.run.size;
	}
	assert_true(given >= 36 * MIB);
}

static void test_no_strides_where_they_mean_nothing(void **state)
{
	struct readahead_limits ranks = limits;
	struct readahead r = {0};

	(void)state;
	ranks.grain = 0;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(
			readahead_note(&r, &ranks, i * 7 * MIB, 64 * KIB).run.size, 0);
}

static void test_off(void **state)
{
	const struct readahead_limits off = {.slack = MIB, .first = 0, .most = 0};
	struct readahead r = {0};

	(void)state;
	for (uint64_t at = 0; at < 10 * MIB; at += 128 * KIB)
		assert_int_equal(readahead_note(&r, &off, at, 128 * KIB).run.size, 0);
}

static void test_hostile_numbers(void **state)
{
	struct readahead r = {0};

	(void)state;
	assert_int_equal(readahead_note(&r, &limits, UINT64_MAX, 1).run.size, 0);
	assert_int_equal(readahead_note(&r, &limits, UINT64_MAX, UINT64_MAX).run.size, 0);
	assert_int_equal(readahead_note(&r, &limits, INT64_MAX, 1).run.size, 0);
	assert_int_equal(readahead_note(&r, &limits, INT64_MAX, 1).run.size, 0);
	/* A stride that leads past all numbers. */
	for (uint64_t i = 0; i < 4; i++) {
		struct plan p = readahead_note(&r, &limits, i * (INT64_MAX / 4), 1);

		assert_true(p.times <= 2 && p.run.start <= INT64_MAX);
	}
}

/* What was taken back comes again, and nothing is left out. */
static void test_take_back(void **state)
{
	struct readahead r = {0};
	uint64_t reached = 0;

	(void)state;
	for (uint64_t at = 0; at < 100 * MIB; at += 128 * KIB) {
		struct run run = readahead_note(&r, &limits, at, 128 * KIB).run;

		if (run.size == 0)
			continue;
		if (reached)
			assert_int_equal(run.start, reached);
		reached = run.start + run.size / 4;
		readahead_take_back(&r, reached, run.start + run.size);
	}
	assert_true(reached > 100 * MIB);
	/* Not somebody else's. */
	readahead_take_back(&r, 0, MIB);
	readahead_note(&r, &limits, 100 * MIB, 128 * KIB);
	assert_int_equal(readahead_note(&r, &limits, 0, 128 * KIB).run.size, 0);
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
		cmocka_unit_test(test_strides),
		cmocka_unit_test(test_strides_of_several_requests),
		cmocka_unit_test(test_strides_beside_each_other),
		cmocka_unit_test(test_stride_turns_sequential),
		cmocka_unit_test(test_no_strides_where_they_mean_nothing),
		cmocka_unit_test(test_take_back),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_hostile_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
