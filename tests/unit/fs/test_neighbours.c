/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/neighbours.h"

static struct digest object(unsigned number)
{
	return digest_of(&number, sizeof number);
}

static unsigned read_from(struct neighbours *n, unsigned number, uint64_t rank)
{
	struct digest d = object(number);

	return neighbours_know(n, &d) ? 0 : neighbours_note(n, &d, rank);
}

static void test_in_order(void **state)
{
	struct neighbours n = {0};

	(void)state;
	assert_int_equal(read_from(&n, 0, 10), 0);
	assert_int_equal(read_from(&n, 0, 11), 0); /* the same object */
	assert_int_equal(read_from(&n, 1, 20), 1);
	assert_int_equal(read_from(&n, 2, 30), 2);
	assert_int_equal(read_from(&n, 3, 40), 4);
	for (unsigned i = 4; i < 50; i++)
		assert_int_equal(read_from(&n, i, 10 + 100 * i), NEIGHBOURS_MOST);
}

static void test_back_and_far_is_not_in_order(void **state)
{
	struct neighbours n = {0};

	(void)state;
	assert_false(read_from(&n, 0, 100000));
	assert_false(read_from(&n, 1, 99999));
	assert_false(read_from(&n, 2, 100001 + NEIGHBOURS_STEP));
	assert_false(read_from(&n, 3, 5));
	assert_true(0 < read_from(&n, 4, 5 + NEIGHBOURS_STEP));
}

static void test_several_readers(void **state)
{
	struct neighbours n = {0};

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k < NEIGHBOURS_STREAMS; k++) {
			unsigned ahead = read_from(
				&n, i * 10 + k, UINT64_C(100000) * k + 200 * i);

			assert_int_equal(ahead > 0, i > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_back_and_far_is_not_in_order),
		cmocka_unit_test(test_several_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
