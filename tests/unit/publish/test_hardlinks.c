/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/hardlinks.h"
#include "util/error.h"

static unsigned released;

static void release(void *leader)
{
	(void)leader;
	released++;
}

static void test_single_names_are_no_group(void **state)
{
	struct hardlinks *h = hardlinks_new();

	(void)state;
	assert_null(hardlinks_find(h, 1, 2));
	assert_int_equal(hardlinks_count(h, 1, 2), 0);
	assert_null(hardlinks_find(h, 1, 2));
	assert_int_equal(hardlinks_count(h, 1, 2), 0);
	assert_int_equal(hardlinks_find(h, 1, 2)->names, 2);
	assert_null(hardlinks_find(h, 2, 2));
	assert_null(hardlinks_find(h, 1, 3));
	hardlinks_free(h, NULL);
}

static void test_many_groups(void **state)
{
	struct hardlinks *h = hardlinks_new();
	int leader;

	(void)state;
	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < 5000; i++)
			assert_int_equal(hardlinks_count(h, 7 + i % 3, (ino_t)i * 1024), 0);
	for (unsigned i = 0; i < 5000; i++) {
		struct link_group *g = hardlinks_find(h, 7 + i % 3, (ino_t)i * 1024);

		assert_int_equal(g->names, 3);
		assert_null(g->leader);
		if (i % 2)
			g->leader = &leader;
	}
	assert_ptr_equal(hardlinks_find(h, 7 + 1, 1024)->leader, &leader);
	released = 0;
	hardlinks_free(h, release);
	assert_int_equal(released, 2500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_names_are_no_group),
		cmocka_unit_test(test_many_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
