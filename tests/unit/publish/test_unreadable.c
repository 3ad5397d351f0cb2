/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish/unreadable.h"

static void test_lists_names_and_reasons(void **state)
{
	struct unreadable u = {0};
	const char *path, *reason;
	size_t at = 0;

	(void)state;
	assert_false(unreadable_next(&u, &at, &path, &reason));
	assert_int_equal(unreadable_add(&u, "a/b", ERR_DENIED, NULL), 0);
	assert_int_equal(unreadable_add(&u, "c", ERR_IO, "it is odd"), 0);
	assert_int_equal(u.count, 2);
	assert_int_equal(u.code, ERR_DENIED);
	assert_true(unreadable_next(&u, &at, &path, &reason));
	assert_string_equal(path, "a/b");
	assert_string_equal(reason, "permission denied");
	assert_true(unreadable_next(&u, &at, &path, &reason));
	assert_string_equal(path, "c");
	assert_string_equal(reason, "it is odd");
	assert_false(unreadable_next(&u, &at, &path, &reason));
	unreadable_release(&u);
	assert_int_equal(u.count, 0);
}

static void test_is_bounded(void **state)
{
	struct unreadable u = {0};
	const char *path, *reason;
	char long_path[4000];
	uint64_t kept = 0;
	size_t at = 0;

	(void)state;
	memset(long_path, 'x', sizeof long_path);
	long_path[sizeof long_path - 1] = '\0';
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(unreadable_add(&u, long_path, ERR_IO, NULL), 0);
	assert_int_equal(unreadable_add(&u, "short", ERR_IO, NULL), 0);
	assert_int_equal(u.count, 5001);
	assert_true(u.text.size <= UNREADABLE_BYTES_MAX);
	while (unreadable_next(&u, &at, &path, &reason))
		kept += strcmp(path, long_path) == 0;
	assert_int_equal(kept, u.kept);
	assert_true(kept > 1000);
	unreadable_release(&u);
}

static void test_the_sentence(void **state)
{
	struct unreadable u = {0};
	struct trouble t = {0};
	char name[16];

	(void)state;
	unreadable_add(&u, "a/b", ERR_CHANGED, NULL);
	assert_int_equal(unreadable_fail(&u, "/src", &t), ERR_CHANGED);
	assert_non_null(strstr(t.text, "'a/b'"));
	assert_non_null(strstr(t.text, "in /src"));
	assert_non_null(strstr(t.text, "at rest"));
	for (unsigned i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "n%u", i);
		unreadable_add(&u, name, ERR_IO, NULL);
	}
	assert_int_equal(unreadable_fail(&u, "/src", &t), ERR_CHANGED);
	assert_non_null(strstr(t.text, "10 names"));
	assert_non_null(strstr(t.text, "'n2'"));
	assert_null(strstr(t.text, "'n3'"));
	assert_non_null(strstr(t.text, "and 6 more"));
	unreadable_release(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_names_and_reasons),
		cmocka_unit_test(test_is_bounded),
		cmocka_unit_test(test_the_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
