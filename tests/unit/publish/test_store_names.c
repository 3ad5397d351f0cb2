/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/store_memory.h"
#include "publish/store_names.h"

static void plant(struct store *s, const char *path)
{
	assert_int_equal(store_memory_plant(s, path, span_of_string("x"), 0), 0);
}

static void test_revisions(void **state)
{
	struct store *s = store_memory_new();
	struct store_revisions r = {0};

	(void)state;
	assert_int_equal(store_revisions_list(s, 5, &r, NULL), 0);
	assert_int_equal(r.count, 0);
	store_revisions_release(&r);
	plant(s, "revisions/2.json");
	plant(s, "revisions/10.json");
	plant(s, "revisions/9.json");
	plant(s, "revisions/11.json"); /* its publisher was killed */
	plant(s, "revisions/02.json");
	plant(s, "revisions/x.json");
	plant(s, "revisions/7.json.tmp");
	assert_int_equal(store_revisions_list(s, 10, &r, NULL), 0);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.numbers[0], 10);
	assert_int_equal(r.numbers[1], 9);
	assert_int_equal(r.numbers[2], 2);
	store_revisions_release(&r);
	store_close(s);
}

static void test_tags(void **state)
{
	struct store *s = store_memory_new();
	struct store_tags l = {0};

	(void)state;
	plant(s, "tags/b.json");
	plant(s, "tags/a.b-c_D.json");
	plant(s, "tags/B.json");
	plant(s, "tags/.b.json");
	plant(s, "tags/b");
	assert_int_equal(store_tags_list(s, &l, NULL), 0);
	assert_int_equal(l.count, 3);
	assert_string_equal(l.names[0], "B");
	assert_string_equal(l.names[1], "a.b-c_D");
	assert_string_equal(l.names[2], "b");
	store_tags_release(&l);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revisions),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
