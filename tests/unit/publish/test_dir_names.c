/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>

#include "publish/dir_names.h"
#include "unit/trees.h"

static char *directory;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

static void test_sorted(void **state)
{
	static const char *const names[] = {"..a", ".a", "B", "a", "a b", "\xc3\xa9"};
	struct dir_names found = {0};
	DIR *dir;

	(void)state;
	for (unsigned i = 6; i-- > 0;)
		trees_text(directory, names[i], "");
	dir = dir_names_open(AT_FDCWD, directory, 0);
	assert_non_null(dir);
	assert_int_equal(dir_names_read(dir, &found), 0);
	assert_int_equal(found.count, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(found.names[i], names[i]);
	dir_names_release(&found);
	assert_int_equal(dir_names_read(dir, &found), 0); /* the rest: none */
	assert_int_equal(found.count, 0);
	dir_names_release(&found);
	closedir(dir);
}

static void test_next(void **state)
{
	struct dirent *d;
	DIR *dir;

	(void)state;
	trees_text(directory, "only", "");
	dir = dir_names_open(AT_FDCWD, directory, 0);
	d = dir_names_next(dir);
	assert_non_null(d);
	assert_string_equal(d->d_name, "only");
	errno = EIO;
	assert_null(dir_names_next(dir));
	assert_int_equal(errno, 0);
	closedir(dir);
}

static void test_only_directories(void **state)
{
	(void)state;
	trees_text(directory, "file", "");
	assert_null(dir_names_open(AT_FDCWD, trees_path(directory, "file"), 0));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(symlink(".", trees_path(directory, "link")), 0);
	assert_null(dir_names_open(AT_FDCWD, trees_path(directory, "link"), O_NOFOLLOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sorted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_directories, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
