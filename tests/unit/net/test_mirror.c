/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/mirror.h"

#define NOW (1000 * NS_PER_SECOND)

/* The quicker first, and either before one that was never measured. */
static void test_speed(void **state)
{
	struct mirror quick = {0}, slow = {0}, unknown = {0};

	(void)state;
	mirror_measure(&quick, 100 * NS_PER_MS, 1);
	mirror_measure(&slow, 200 * NS_PER_MS, 1);
	mirror_measure(&unknown, NS_PER_SECOND, 0);
	assert_true(mirror_is_better(&quick, &slow, NOW));
	assert_false(mirror_is_better(&slow, &quick, NOW));
	assert_true(mirror_is_better(&slow, &unknown, NOW));
	assert_false(mirror_is_better(&unknown, &slow, NOW));
	assert_int_equal(mirror_usual_time(&unknown, 1), 0);
	assert_in_range(mirror_usual_time(&quick, 1), 99 * NS_PER_MS, 101 * NS_PER_MS);
	/* 64 KiB take as long again as the round trip. */
	assert_in_range(mirror_usual_time(&quick, 65536), 199 * NS_PER_MS, 201 * NS_PER_MS);
}

/* One that is behind its peers can be asked at once, one that is left alone cannot. */
static void test_standing(void **state)
{
	struct mirror well = {0}, behind = {0}, away = {0};

	(void)state;
	behind.health.behind_until = NOW + 2;
	away.health.leave_until = NOW + 1;
	assert_true(mirror_is_better(&well, &behind, NOW));
	assert_true(mirror_is_better(&behind, &away, NOW));
	assert_int_equal(mirror_wait(&behind, NOW), 0);
	assert_int_equal(mirror_wait(&away, NOW), 1);
	assert_int_equal(mirror_wait(&away, NOW + 1), 0);
	assert_false(mirror_is_better(&behind, &away, NOW + 1));
}

/* The server that it leads to puts it behind, and makes nobody wait unless it asks to. */
static void test_leads_to(void **state)
{
	struct health target = {.leave_until = NOW + 5};
	struct mirror well = {0}, leads = {.leads_to = &target};

	(void)state;
	assert_true(mirror_is_better(&well, &leads, NOW));
	assert_int_equal(mirror_wait(&leads, NOW), 0);
	target.pause_until = NOW + 3;
	assert_int_equal(mirror_paused_until(&leads), NOW + 3);
	assert_int_equal(mirror_wait(&leads, NOW), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_leads_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
