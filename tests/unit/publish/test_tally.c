/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/tally.h"

static void test_counts_each_once(void **state)
{
	struct tally *t = tally_new();

	(void)state;
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint64_t i = 0; i < 5000; i++) {
			struct digest d = digest_of(&i, sizeof i);

			assert_int_equal(tally_add(t, &d, i), 0);
		}
	assert_int_equal(tally_count(t), 5000);
	assert_int_equal(tally_bytes(t), 4999 * 5000 / 2);
	tally_free(t);
}

/* The free slot's mark is a digest like any other. */
static void test_zero(void **state)
{
	struct tally *t = tally_new();
	struct digest zero = {{0}};

	(void)state;
	assert_int_equal(tally_add(t, &zero, 7), 0);
	assert_int_equal(tally_add(t, &zero, 7), 0);
	assert_int_equal(tally_count(t), 1);
	assert_int_equal(tally_bytes(t), 7);
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_each_once),
		cmocka_unit_test(test_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
