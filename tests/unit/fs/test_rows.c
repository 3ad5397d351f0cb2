/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/rows.h"
#include "unit/entry_samples.h"

#define ROWS 64

static void set_row(struct rows *r, uint32_t row, uint64_t node)
{
	if (node)
		assert_int_equal(rows_reserve(r), 0);
	rows_set(r, row, node);
}

/* As an array of all rows would do. */
static void test_like_an_array(void **state)
{
	uint64_t wanted[ROWS] = {0}, seed = 5;
	struct rows r = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t row = (uint32_t)(sample_random(&seed) % ROWS), held = 0;
		bool takes = sample_random(&seed) % 100 < (uint64_t)(i / 100 % 100);

		wanted[row] = takes ? 0 : 1 + sample_random(&seed) % 1000;
		set_row(&r, row, wanted[row]);
		for (uint32_t k = 0; k < ROWS; k++) {
			assert_int_equal(rows_get(&r, k), wanted[k]);
			held += wanted[k] != 0;
		}
		assert_int_equal(r.count, held);
	}
	rows_release(&r);
}

/* A lone row far down costs no more than one. */
static void test_small(void **state)
{
	struct rows r = {0};

	(void)state;
	set_row(&r, 4095, 7);
	assert_int_equal(r.capacity, 1);
	for (uint32_t row = 0; row < 4095; row++)
		set_row(&r, row, row + 1);
	for (uint32_t row = 0; row < 4095; row++)
		set_row(&r, row, 0);
	assert_int_equal(rows_get(&r, 4095), 7);
	assert_in_range(r.capacity, 1, 8);
	set_row(&r, 4095, 0);
	assert_null(r.items);
	rows_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_an_array),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
