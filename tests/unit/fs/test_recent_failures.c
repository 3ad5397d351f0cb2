/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/recent_failures.h"
#include "util/error.h"

static const struct digest leaf = {{1}}, other = {{2}};

static void the_same_bytes_fail_again_for_a_moment(void **state)
{
	const struct run bytes = {4096, 8192}, inside = {8192, 1}, around = {0, 1 << 20};
	struct recent_failures s;

	(void)state;
	recent_failures_init(&s);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, bytes, 5), 0);
	recent_failures_note(&s, &leaf, 7, bytes, ERR_TIMEOUT, 5);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, bytes, 5), ERR_TIMEOUT);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, inside, 5), ERR_TIMEOUT);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, around, 5), ERR_TIMEOUT);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, bytes, 4 + RECENT_FAILURE_NS),
		ERR_TIMEOUT);
	assert_int_equal(
		recent_failures_find(&s, &leaf, 7, bytes, 5 + RECENT_FAILURE_NS), 0);
	recent_failures_release(&s);
}

static void others_are_not_concerned(void **state)
{
	const struct run bytes = {4096, 8192}, before = {0, 4096}, behind = {12288, 4096};
	struct recent_failures s;

	(void)state;
	recent_failures_init(&s);
	recent_failures_note(&s, &leaf, 7, bytes, ERR_UNREACHABLE, 5);
	assert_int_equal(recent_failures_find(&s, &leaf, 8, bytes, 5), 0);
	assert_int_equal(recent_failures_find(&s, &other, 7, bytes, 5), 0);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, before, 5), 0);
	assert_int_equal(recent_failures_find(&s, &leaf, 7, behind, 5), 0);
	recent_failures_release(&s);
}

static void other_errors_are_asked_again(void **state)
{
	static const int errors[] = {
		ERR_CORRUPT, ERR_INTERRUPTED, ERR_NO_MEMORY, ERR_ABSENT};
	const struct run bytes = {0, 4096};
	struct recent_failures s;

	(void)state;
	recent_failures_init(&s);
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		recent_failures_note(&s, &leaf, 0, bytes, errors[i], 5);
	assert_int_equal(recent_failures_find(&s, &leaf, 0, bytes, 5), 0);
	recent_failures_release(&s);
}

static void the_latest_are_kept(void **state)
{
	const struct run bytes = {0, 4096};
	struct recent_failures s;

	(void)state;
	recent_failures_init(&s);
	for (uint32_t row = 0; row < RECENT_FAILURES_KEPT + 10; row++)
		recent_failures_note(&s, &leaf, row, bytes, ERR_TIMEOUT, 5);
	assert_int_equal(recent_failures_find(&s, &leaf, 9, bytes, 5), 0);
	assert_int_equal(recent_failures_find(&s, &leaf, 10, bytes, 5), ERR_TIMEOUT);
	recent_failures_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_fail_again_for_a_moment),
		cmocka_unit_test(others_are_not_concerned),
		cmocka_unit_test(other_errors_are_asked_again),
		cmocka_unit_test(the_latest_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
