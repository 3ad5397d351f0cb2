/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/budget.h"

/* What is taken once, or twice for two tries, is given back as one. */
static void test_take_and_release(void **state)
{
	struct fetch f = {.cost = 300, .priority = FETCH_DEMAND};
	struct budget b;

	(void)state;
	budget_init(&b, 1000);
	budget_take(&b, &f, true);
	assert_true(budget_allows_second(&b, &f));
	budget_take_second(&b, &f);
	assert_int_equal(b.held, 600);
	assert_int_equal(b.demands, 1);
	assert_false(budget_allows_second(&b, &f));
	budget_lower(&b, &f);
	assert_int_equal(b.demands, 0);
	for (int i = 0; i < 2; i++) {
		budget_release(&b, &f);
		assert_int_equal(b.held, 0);
		assert_int_equal(b.demands, 0);
	}
}

/* What is left of a broken answer counts, but not against its own fetch. */
static void test_partials_count(void **state)
{
	struct fetch held = {.cost = 500, .priority = FETCH_DEMAND};
	struct fetch other = {.cost = 300, .priority = FETCH_DEMAND};
	struct budget b;

	(void)state;
	budget_init(&b, 1000);
	budget_take(&b, &held, true);
	assert_true(budget_allows(&b, &other));
	b.partials.bytes = 250;
	assert_false(budget_allows(&b, &other));
	other.state.partial.size = 250;
	assert_true(budget_allows(&b, &other));
}

/* A second try is for what fits into the share of those that nobody waits for. */
static void test_second_of_a_large_one(void **state)
{
	struct fetch f = {.cost = 751};
	struct budget b;

	(void)state;
	budget_init(&b, 1000);
	assert_false(budget_allows_second(&b, &f));
	f.cost = 750;
	assert_true(budget_allows_second(&b, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_and_release),
		cmocka_unit_test(test_partials_count),
		cmocka_unit_test(test_second_of_a_large_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
