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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mounted_is_found),
		cmocka_unit_test(what_is_not_mounted_is_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
