/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "cli/link_table.h"

/* More than the first table holds, and in the same slots of it. */
#define MANY 1000
#define STRIDE 4096

static void test_first_name_is_kept(void **state)
{
	struct link_table l = {0};
	const char *first = "";

	(void)state;
	assert_int_equal(link_table_add(&l, 7, "a", &first), 0);
	assert_null(first);
	assert_int_equal(link_table_add(&l, 7, "b", &first), 0);
	assert_string_equal(first, "a");
	assert_int_equal(link_table_add(&l, 0, "zero", &first), 0);
	assert_null(first);
	assert_int_equal(link_table_add(&l, UINT64_MAX, "last", &first), 0);
	assert_null(first);
	assert_int_equal(link_table_add(&l, 7, "c", &first), 0);
	assert_string_equal(first, "a");
	link_table_release(&l);
}

static void test_grows(void **state)
{
	struct link_table l = {0};
	const char *first;
	char path[32];

	(void)state;
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t i = 0; i < MANY; i++) {
			snprintf(path, sizeof path, "f%ju", (uintmax_t)i);
			assert_int_equal(link_table_add(&l, i * STRIDE, path, &first), 0);
			if (pass)
				assert_string_equal(first, path);
			else
				assert_null(first);
		}
	assert_int_equal(l.count, MANY);
	link_table_release(&l);
	assert_int_equal(l.capacity, 0);
	link_table_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_name_is_kept),
		cmocka_unit_test(test_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
