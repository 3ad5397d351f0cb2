/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/fetch_list.h"

static void assert_list(
	struct fetch_list *list, struct fetch *const *fetches, unsigned count)
{
	struct fetch *at = list->first, *before = NULL;

	for (unsigned i = 0; i < count; i++) {
		assert_ptr_equal(at, fetches[i]);
		assert_ptr_equal(at->state.list, list);
		assert_ptr_equal(at->state.previous, before);
		before = at;
		at = at->state.next;
	}
	assert_null(at);
	assert_ptr_equal(list->last, before);
	assert_int_equal(list->count, count);
}

static void test_list(void **state)
{
	static struct fetch a, b, c;
	struct fetch_list list = {0}, other = {0};

	(void)state;
	assert_list(&list, NULL, 0);
	fetch_list_append(&list, &b);
	fetch_list_append(&list, &c);
	fetch_list_prepend(&list, &a);
	assert_list(&list, (struct fetch *[]){&a, &b, &c}, 3);
	fetch_list_remove(&b);
	assert_null(b.state.list);
	fetch_list_remove(&b); /* harmless */
	assert_list(&list, (struct fetch *[]){&a, &c}, 2);
	fetch_list_prepend(&other, &b);
	fetch_list_remove(&a);
	assert_list(&list, (struct fetch *[]){&c}, 1);
	assert_list(&other, (struct fetch *[]){&b}, 1);
	fetch_list_append(&list, &a);
	fetch_list_remove(&a);
	fetch_list_remove(&c);
	assert_list(&list, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_list)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
