/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "fs/mount_table.h"
#include "util/error.h"

static void what_is_mounted_is_found(void **state)
{
	char *source = NULL;
	bool ours = true;
	/* "/" is no mount point in a chroot */
	int rc = mount_table_find("/proc", &source, &ours);

	(void)state;
	if (rc == ERR_UNSUPPORTED)
		skip();
	assert_int_equal(rc, 0);
	assert_non_null(source);
	assert_false(ours);
	free(source);
}

/* Nothing is said of it, either. */
static void what_is_not_mounted_is_absent(void **state)
{
	char *source = NULL;
	bool ours = true;
	int rc = mount_table_find("/proc/self/task", &source, &ours);

	(void)state;
	if (rc == ERR_UNSUPPORTED)
		skip();
	assert_int_equal(rc, ERR_ABSENT);
	assert_null(source);
	assert_true(ours);
}

static int count_it(void *count, const char *at, const char *source, uid_t owner)
{
	(void)owner;
	assert_int_equal(at[0], '/');
	assert_non_null(source);
	++*(unsigned *)count;
	return 0;
}

static int stop_at_it(void *count, const char *at, const char *source, uid_t owner)
{
	count_it(count, at, source, owner);
	return 7;
}

/* Other tests may have some. */
static void each_of_ours_is_told(void **state)
{
	unsigned count = 0, once = 0;
	int rc = mount_table_each(count_it, &count);

	(void)state;
	if (rc == ERR_UNSUPPORTED)
		skip();
	assert_int_equal(rc, 0);
	rc = mount_table_each(stop_at_it, &once);
	assert_true((rc == 0 && once == 0) || (rc == 7 && once == 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mounted_is_found),
		cmocka_unit_test(what_is_not_mounted_is_absent),
		cmocka_unit_test(each_of_ours_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
