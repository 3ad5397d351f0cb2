/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cache/write/reservation.h"
#include "util/error.h"

static void test_draws_from_the_lease(void **state)
{
	struct reservation l;
	struct reservation_view v;

	(void)state;
	reservation_init(&l);
	reservation_commit(&l, 0, 1000);
	assert_int_equal(reservation_draw(&l, 600), 0);
	assert_int_equal(reservation_draw(&l, 400), 0);
	reservation_cancel(&l, 400);
	v = reservation_view(&l);
	assert_int_equal(v.leased, 1000);
	assert_int_equal(v.used, 600);
	/* What became resident is neither used nor leased any more. */
	reservation_commit(&l, 600, 400);
	v = reservation_view(&l);
	assert_int_equal(v.used, 0);
	assert_int_equal(v.leased, 400);
	assert_int_equal(reservation_shrink(&l), 0);
	/* Denied for a while, without asking. */
	reservation_deny(&l);
	assert_int_equal(reservation_draw(&l, 1), ERR_NO_SPACE);
	reservation_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_from_the_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
