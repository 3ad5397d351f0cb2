/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/origins.h"

static unsigned fill(struct origins *o, struct origin *origin, bool demand)
{
	unsigned n = 0;

	for (origin->active = 0; origins_has_slot(o, origin, demand); origin->active++)
		n++;
	return n;
}

static void test_slots(void **state)
{
	struct origins o;
	struct origin *a;

	(void)state;
	origins_init(&o, 16);
	a = origins_find(&o, "https://a:443");
	assert_ptr_equal(origins_find(&o, "https://a:443"), a);
	assert_ptr_not_equal(origins_find(&o, "https://b:443"), a);
	assert_int_equal(a->multiplexing, MULTIPLEXING_UNKNOWN);
	assert_int_equal(fill(&o, a, true), 16);
	assert_int_equal(fill(&o, a, false), 12);
	a->multiplexing = MULTIPLEXING_NO;
	assert_int_equal(fill(&o, a, true), 16);
	a->multiplexing = MULTIPLEXING_YES;
	assert_int_equal(fill(&o, a, true), STREAMS_MAX);
	assert_int_equal(fill(&o, a, false), STREAMS_MAX - STREAMS_MAX / 4);
	origins_release(&o);
}

static void test_one_connection(void **state)
{
	struct origins o;
	struct origin *a;

	(void)state;
	origins_init(&o, 1);
	a = origins_find(&o, "x");
	assert_int_equal(fill(&o, a, true), 1);
	assert_int_equal(fill(&o, a, false), 1);
	origins_release(&o);
}

static void test_many(void **state)
{
	struct origins o;
	char name[16];

	(void)state;
	origins_init(&o, 2);
	for (int i = 0; i < 2 * ORIGINS_MAX; i++) {
		snprintf(name, sizeof name, "o%d", i);
		assert_non_null(origins_find(&o, name));
	}
	/* The last place is shared, the others are kept. */
	assert_ptr_equal(origins_find(&o, "o200"), origins_find(&o, "o201"));
	assert_ptr_not_equal(origins_find(&o, "o1"), origins_find(&o, "o2"));
	assert_ptr_not_equal(origins_find(&o, "o1"), origins_find(&o, "o200"));
	origins_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_one_connection),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
