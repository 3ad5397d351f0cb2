/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/mode_change.h"
#include "util/error.h"

static uint16_t changed(const char *text, uint16_t mode, bool directory)
{
	struct mode_change c;

	if (mode_change_parse(text, &c))
		fail_msg("'%s' is refused", text);
	return mode_change_apply(&c, mode, directory);
}

static void test_octal(void **state)
{
	(void)state;
	assert_int_equal(changed("644", 0755, false), 0644);
	assert_int_equal(changed("0", 07777, false), 0);
	assert_int_equal(changed("04755", 0, false), 04755);
	assert_int_equal(changed("755", 02700, true), 0755);
}

static void test_symbolic(void **state)
{
	(void)state;
	assert_int_equal(changed("go=rX", 0777, false), 0755);
	assert_int_equal(changed("go=rX", 0600, false), 0644);
	assert_int_equal(changed("go=rX", 0600, true), 0655);
	assert_int_equal(changed("u+x,g-w", 0664, false), 0744);
	assert_int_equal(changed("a+X", 0644, false), 0644);
	assert_int_equal(changed("a+X", 0744, false), 0755);
	assert_int_equal(changed("+x", 0644, false), 0755);
	assert_int_equal(changed("u=rw-w", 0777, false), 0477);
	assert_int_equal(changed("g=u", 0640, false), 0660);
	assert_int_equal(changed("o=g,u-x", 0750, false), 0655);
	assert_int_equal(changed("=", 0755, false), 0);
	assert_int_equal(changed("a=r", 07777, false), 0444);
}

static void test_set_id_and_sticky(void **state)
{
	(void)state;
	assert_int_equal(changed("a-s", 06755, false), 0755);
	assert_int_equal(changed("u+s", 0755, false), 04755);
	assert_int_equal(changed("g+s", 0755, true), 02755);
	assert_int_equal(changed("o+s", 0755, false), 0755);
	assert_int_equal(changed("+t", 0777, true), 01777);
	assert_int_equal(changed("u=rwx", 04711, false), 0711);
	assert_int_equal(changed("u=rwx", 01711, true), 01711);
}

static void test_what_is_refused(void **state)
{
	static const char *const texts[] = {"", "8", "7778", "77777", "u", "u=z", "x+r",
		"u+x,", ",u+x", "u+x g+x", "=r,", "644x"};
	struct mode_change c;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (mode_change_parse(texts[i], &c) != ERR_INVALID)
			fail_msg("'%s' is taken", texts[i]);
}

static void test_nothing_changes(void **state)
{
	struct mode_change c = {0};

	(void)state;
	assert_int_equal(mode_change_apply(&c, 04751, true), 04751);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_octal),
		cmocka_unit_test(test_symbolic),
		cmocka_unit_test(test_set_id_and_sticky),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
