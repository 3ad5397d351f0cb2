/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/histogram.h"
#include "util/thread.h"

#define THREADS 4
#define EACH 20000

static void none_are_none(void **state)
{
	struct histogram h = {0};
	struct histogram_copy c;

	(void)state;
	histogram_look(&h, &c);
	assert_int_equal(c.count, 0);
	assert_int_equal(histogram_share(&c, 500), 0);
	assert_int_equal(histogram_share(&c, 1000), 0);
	assert_int_equal(histogram_below(&c, HISTOGRAM_LAST), 0);
}

/* What is told of a single one is more, and at most an eighth. */
static void one_is_told_to_an_eighth(void **state)
{
	(void)state;
	for (uint64_t ns = UINT64_C(1) << HISTOGRAM_FIRST;
		ns < UINT64_C(1) << HISTOGRAM_LAST; ns += 1 + ns / 100) {
		struct histogram h = {0};
		struct histogram_copy c;
		uint64_t told;

		histogram_add(&h, (int64_t)ns);
		histogram_look(&h, &c);
		told = histogram_share(&c, 1000);
		assert_int_equal(c.count, 1);
		assert_int_equal(c.sum, ns);
		assert_true(told > ns && told <= ns + ns / 8 + 1);
		assert_int_equal(histogram_share(&c, 0), told);
		for (unsigned log2 = HISTOGRAM_FIRST; log2 <= HISTOGRAM_LAST; log2++)
			assert_int_equal(
				histogram_below(&c, log2), ns < UINT64_C(1) << log2);
	}
}

static void the_ends_take_all_that_is_beyond(void **state)
{
	struct histogram h = {0};
	struct histogram_copy c;

	(void)state;
	histogram_add(&h, -5);
	histogram_add(&h, 0);
	histogram_add(&h, INT64_MAX);
	histogram_look(&h, &c);
	assert_int_equal(c.count, 3);
	assert_int_equal(histogram_below(&c, HISTOGRAM_FIRST), 2);
	assert_int_equal(histogram_below(&c, HISTOGRAM_LAST), 2);
	assert_int_equal(histogram_share(&c, 500), 1u << HISTOGRAM_FIRST);
	assert_true(histogram_share(&c, 1000) == UINT64_MAX);
}

static void shares_are_those_of_the_sorted_list(void **state)
{
	struct histogram h = {0};
	struct histogram_copy c;

	(void)state;
	for (int i = 0; i < 99; i++)
		histogram_add(&h, 2000);
	histogram_add(&h, 1000000);
	histogram_look(&h, &c);
	assert_true(histogram_share(&c, 500) <= 2250);
	assert_true(histogram_share(&c, 990) <= 2250);
	assert_true(histogram_share(&c, 991) > 1000000);
	assert_true(histogram_share(&c, 1000) > 1000000);
}

static void *add_many(void *h)
{
	for (int i = 0; i < EACH; i++)
		histogram_add(h, i);
	return NULL;
}

static void many_threads_lose_nothing(void **state)
{
	struct histogram h = {0};
	struct histogram_copy c;
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(thread_start(&threads[i], NULL, add_many, &h), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	histogram_look(&h, &c);
	assert_int_equal(c.count, THREADS * EACH);
	assert_int_equal(c.sum, (uint64_t)THREADS * EACH * (EACH - 1) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_are_none),
		cmocka_unit_test(one_is_told_to_an_eighth),
		cmocka_unit_test(the_ends_take_all_that_is_beyond),
		cmocka_unit_test(shares_are_those_of_the_sorted_list),
		cmocka_unit_test(many_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
