/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/array.h"

struct list {
	uint32_t *items;
	size_t count, capacity;
};

static int list_add(struct list *l, uint32_t item)
{
	int rc = array_grow(&l->items, &l->capacity, l->count, sizeof(*l->items));

	if (!rc)
		l->items[l->count++] = item;
	return rc;
}

static void test_keeps_what_is_there(void **state)
{
	struct list l = {0};

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(list_add(&l, i), 0);
	assert_int_equal(l.count, 1000);
	assert_true(l.capacity >= 1000 && l.capacity < 2000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(l.items[i], i);
	free(l.items);
}

static void test_moves_only_when_full(void **state)
{
	struct list l = {0};
	uint32_t *before;

	(void)state;
	assert_int_equal(list_add(&l, 1), 0);
	assert_int_equal(l.capacity, ARRAY_FIRST);
	before = l.items;
	while (l.count < l.capacity)
		assert_int_equal(list_add(&l, 1), 0);
	assert_ptr_equal(l.items, before);
	free(l.items);
}

/* Sizes that no memory has are refused before they are asked for. */
static void test_overflow(void **state)
{
	uint32_t *items = NULL;
	size_t capacity = SIZE_MAX / 2 + 1, wide = SIZE_MAX / 4;

	(void)state;
	assert_int_equal(array_grow(&items, &capacity, capacity, 1), ERR_NO_MEMORY);
	assert_int_equal(array_grow(&items, &wide, wide, 4), ERR_NO_MEMORY);
	assert_null(items);
	assert_true(capacity == SIZE_MAX / 2 + 1 && wide == SIZE_MAX / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_what_is_there),
		cmocka_unit_test(test_moves_only_when_full),
		cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
