/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fs/open_mode.h"

#define MIB (UINT64_C(1) << 20)

static const struct totals small_files = {
	.entries = 1100000, .files = 1000000, .bytes = 20000 * MIB, .objects = 20000};
static const struct totals large_files = {
	.entries = 120, .files = 100, .bytes = 100000 * MIB, .objects = 100};
static const struct totals empty = {.entries = 1};

static const struct open_means all = {.elide = true};
static const struct open_means old_kernel = {.no_passthrough = "this kernel has none"};
static const struct open_means user = {.elide = true, .no_passthrough = "it is for root"};

static struct open_choice choose(
	enum open_mode asked, const struct totals *totals, const struct open_means *means)
{
	struct open_choice c;

	open_mode_choose(asked, totals, means, &c);
	return c;
}

static void test_names(void **state)
{
	enum open_mode mode = OPEN_PLAIN;

	(void)state;
	for (int i = OPEN_AUTO; i <= OPEN_PLAIN; i++) {
		assert_int_equal(
			open_mode_parse(open_mode_name((enum open_mode)i), &mode), 0);
		assert_int_equal(mode, i);
	}
	assert_int_equal(open_mode_parse("", &mode), ERR_INVALID);
	assert_int_equal(open_mode_parse("Elide", &mode), ERR_INVALID);
	assert_int_equal(mode, OPEN_PLAIN);
}

static void test_auto_goes_by_the_mean_size(void **state)
{
	(void)state;
	assert_int_equal(choose(OPEN_AUTO, &small_files, &all).mode, OPEN_ELIDE);
	assert_int_equal(choose(OPEN_AUTO, &large_files, &all).mode, OPEN_PASSTHROUGH);
	assert_int_equal(choose(OPEN_AUTO, &empty, &all).mode, OPEN_ELIDE);
}

static void test_auto_makes_do(void **state)
{
	struct open_choice c = choose(OPEN_AUTO, &large_files, &user);

	(void)state;
	assert_int_equal(c.mode, OPEN_ELIDE);
	assert_true(c.as_asked);
	assert_non_null(strstr(c.reason, "it is for root"));
	assert_int_equal(choose(OPEN_AUTO, &large_files, &old_kernel).mode, OPEN_PLAIN);
	assert_int_equal(choose(OPEN_AUTO, &small_files, &old_kernel).mode, OPEN_PLAIN);
	/* That there is none does not matter where it was not wanted. */
	assert_null(strstr(choose(OPEN_AUTO, &small_files, &user).reason, "root"));
}

static void test_what_was_asked_for(void **state)
{
	struct open_choice c;

	(void)state;
	for (int i = OPEN_ELIDE; i <= OPEN_PLAIN; i++) {
		c = choose((enum open_mode)i, &small_files, &all);
		assert_int_equal(c.mode, i);
		assert_true(c.as_asked);
	}
	c = choose(OPEN_PASSTHROUGH, &large_files, &user);
	assert_int_equal(c.mode, OPEN_PLAIN);
	assert_false(c.as_asked);
	assert_string_equal(c.reason, "it is for root");
	c = choose(OPEN_ELIDE, &small_files, &old_kernel);
	assert_int_equal(c.mode, OPEN_PLAIN);
	assert_false(c.as_asked);
	assert_true(strlen(c.reason) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_auto_goes_by_the_mean_size),
		cmocka_unit_test(test_auto_makes_do),
		cmocka_unit_test(test_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
