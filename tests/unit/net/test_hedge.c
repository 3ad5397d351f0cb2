/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/hedge.h"
#include "util/clock.h"

#define MS NS_PER_MS

static void note(struct hedge *h, int64_t took, unsigned times)
{
	while (times-- > 0)
		hedge_note(h, took);
}

static void test_patience_follows_the_pace(void **state)
{
	struct hedge h;
	int64_t fast, slow;

	(void)state;
	hedge_init(&h);
	assert_true(hedge_patience(&h) >= 500 * MS);
	note(&h, 2 * MS, 100);
	fast = hedge_patience(&h);
	assert_true(fast >= 100 * MS && fast < 500 * MS);
	/* Where all are slow nobody is slower than his peers. */
	note(&h, 1000 * MS, 100);
	slow = hedge_patience(&h);
	assert_true(slow > 1000 * MS);
	/* Nor may patience last until the connection is given up as silent. */
	note(&h, 60 * NS_PER_SECOND, 100);
	assert_true(hedge_patience(&h) <= 5 * NS_PER_SECOND);
	note(&h, 2 * MS, 200);
	assert_int_equal(hedge_patience(&h), fast);
}

/* Uneven times need more patience than even ones of the same mean. */
static void test_patience_allows_for_jitter(void **state)
{
	struct hedge even, uneven;

	(void)state;
	hedge_init(&even);
	hedge_init(&uneven);
	for (int i = 0; i < 100; i++) {
		note(&even, 500 * MS, 1);
		note(&uneven, i % 2 ? 100 * MS : 900 * MS, 1);
	}
	assert_true(hedge_patience(&uneven) > hedge_patience(&even) + 500 * MS);
}

static unsigned take_all(struct hedge *h)
{
	unsigned n = 0;

	while (hedge_take(h))
		n++;
	return n;
}

static void test_allowance(void **state)
{
	struct hedge h;
	unsigned full;

	(void)state;
	hedge_init(&h);
	full = take_all(&h);
	assert_true(full > 0 && full < 64);
	note(&h, MS, 19);
	assert_false(hedge_take(&h));
	note(&h, MS, 1);
	assert_int_equal(take_all(&h), 1);
	hedge_give_back(&h);
	assert_int_equal(take_all(&h), 1);
	/* What is not used does not pile up. */
	note(&h, MS, 100000);
	hedge_give_back(&h);
	assert_int_equal(take_all(&h), full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patience_follows_the_pace),
		cmocka_unit_test(test_patience_allows_for_jitter),
		cmocka_unit_test(test_allowance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
