/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/slots.h"
#include "util/clock.h"

#define NOW (1000 * NS_PER_SECOND)

static void test_count(void **state)
{
	struct slots s = {0};

	(void)state;
	assert_int_equal(slots_count(&s, 0), 0);
	slots_note(&s, 1, NOW);
	slots_note(&s, 2, NOW + 1);
	slots_note(&s, 2, NOW + 2);
	assert_int_equal(slots_count(&s, NOW), 2);
	assert_int_equal(slots_count(&s, NOW + 2), 1);
	assert_int_equal(slots_count(&s, NOW + 3), 0);
	/* More than there are places: the latest. */
	for (int i = 0; i < SLOTS_MAX; i++)
		slots_note(&s, 100 + i, NOW + 10 + i);
	assert_int_equal(slots_count(&s, NOW), SLOTS_MAX);
	assert_int_equal(slots_count(&s, NOW + 10), SLOTS_MAX);
}

static void test_learn(void **state)
{
	struct slots s = {0};
	int64_t kept;

	(void)state;
	assert_false(slots_are_few(&s, NOW));
	for (int port = 1; port <= 4; port++)
		slots_note(&s, port, NOW + 1);
	assert_true(slots_learn(&s, NOW, NOW + 5));
	assert_int_equal(s.most, 4);
	assert_true(slots_are_few(&s, NOW + 6));
	/* The others that were asked with it. */
	assert_false(slots_learn(&s, NOW + 1, NOW + 6));
	assert_int_equal(s.most, 4);
	/* They are still too many: some were other ones before. */
	for (int port = 11; port <= 14; port++)
		slots_note(&s, port, NOW + 8);
	assert_true(slots_learn(&s, NOW + 7, NOW + 9));
	assert_int_equal(s.most, 2);
	assert_true(slots_learn(&s, NOW + 20, NOW + 30));
	assert_int_equal(s.most, 1);
	/* It is tried again after a while, and later after a longer one. */
	kept = s.until - (NOW + 30);
	assert_false(slots_are_few(&s, s.until));
	assert_true(slots_learn(&s, s.until, s.until + 1));
	assert_true(s.keep == 2 * kept);
	assert_true(slots_learn(&s, s.until + 2 * s.keep, s.until + 2 * s.keep + 1));
	assert_true(s.keep < kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
