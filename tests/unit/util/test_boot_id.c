/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/boot_id.h"

/* Only where the system tells: elsewhere each call may give another number. */
static void test_same_while_it_is_up(void **state)
{
	(void)state;
#if defined(__linux__) || defined(HAVE_SYSCTLBYNAME)
	assert_true(boot_id_number() != 0);
	assert_true(boot_id_number() == boot_id_number());
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_while_it_is_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
