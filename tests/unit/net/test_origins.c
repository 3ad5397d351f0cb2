/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/origins.h"
#include "util/clock.h"

#define NOW (1000 * NS_PER_SECOND)
#define GAP_MOST (2 * NS_PER_SECOND)

static unsigned fill(struct origins *o, struct origin *origin, bool demand)
{
	unsigned n = 0;

	for (origin->active = 0; origins_has_slot(o, origin, 1, demand, NOW);
		origin->active++)
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

/* Asked too much: half as many at once, and gaps; good answers take that back. */
static void test_slow_down(void **state)
{
	struct origins o;
	struct origin *a;
	int64_t now = NOW;

	(void)state;
	origins_init(&o, 16);
	a = origins_find(&o, "a");
	for (int i = 0; i < 16; i++)
		origin_begin(a, now);
	assert_false(origins_has_slot(&o, a, 1, true, now));
	/* All those that were under way say so: that counts once. */
	for (int i = 0; i < 16; i++)
		origin_slow_down(a, now - 1, now, GAP_MOST);
	assert_int_equal(a->window, 8);
	assert_true(origin_next_at(a) > now);
	while (a->active)
		origin_end(a);
	assert_false(origins_has_slot(&o, a, 1, true, now));
	now = origin_next_at(a);
	assert_true(origins_has_slot(&o, a, 1, true, now));
	origin_begin(a, now);
	assert_false(origins_has_slot(&o, a, 1, true, now));
	/* Again and again: one at a time, with gaps that end somewhere. */
	for (int i = 0; i < 20; i++)
		origin_slow_down(a, now + i, now + i + 1, GAP_MOST);
	assert_int_equal(a->window, 1);
	assert_int_equal(a->gap, GAP_MOST);
	for (int i = 0; i < 10000; i++)
		origin_speed_up(a);
	assert_int_equal(a->gap, 0);
	assert_int_equal(a->window, 0);
	now = origin_next_at(a);
	for (int i = 0; i < 15; i++) {
		assert_true(origins_has_slot(&o, a, 1, true, now));
		origin_begin(a, now);
	}
	assert_false(origins_has_slot(&o, a, 1, true, now));
	assert_true(origin_may_warn(a, now));
	assert_false(origin_may_warn(a, now + NS_PER_SECOND));
	assert_true(origin_may_warn(a, now + 60 * NS_PER_SECOND));
	origins_release(&o);
}

/* What a server redirects to has to have a place too. */
static void test_leads_to(void **state)
{
	struct origins o;
	struct origin *a, *b;

	(void)state;
	origins_init(&o, 4);
	a = origins_find(&o, "a");
	b = origins_find(&o, "b");
	a->multiplexing = MULTIPLEXING_YES;
	origin_led(a, b);
	for (int i = 0; i < 3; i++)
		origin_begin(i ? a : b, NOW);
	assert_true(origins_has_slot(&o, a, 1, true, NOW));
	origin_begin(a, NOW);
	assert_false(origins_has_slot(&o, a, 1, true, NOW));
	origin_end(b);
	assert_true(origins_has_slot(&o, a, 1, true, NOW));
	origin_slow_down(b, NOW, NOW + 1, GAP_MOST);
	assert_false(origins_has_slot(&o, a, 1, true, NOW + 1));
	assert_int_equal(origin_next_at(a), origin_next_at(b));
	origin_led(a, a);
	assert_true(origins_has_slot(&o, a, 1, true, NOW + 1));
	origins_release(&o);
}

/* One that only redirects gets what was taken from it back, too. */
static void test_redirects_speed_up(void **state)
{
	struct origins o;
	struct origin *a, *b;

	(void)state;
	origins_init(&o, 16);
	a = origins_find(&o, "a");
	b = origins_find(&o, "b");
	origin_slow_down(a, NOW, NOW, GAP_MOST);
	assert_true(a->gap > 0 && a->window == 1);
	for (int i = 0; i < 10000; i++)
		origin_led(a, NULL); /* a failure, say */
	assert_true(a->gap > 0 && a->window == 1);
	for (int i = 0; i < 10000; i++)
		origin_led(a, b);
	assert_int_equal(a->gap, 0);
	assert_int_equal(a->window, 0);
	origins_release(&o);
}

/* How many bytes may be on their way is a matter of the server that they come from. */
static void test_window_behind_redirect(void **state)
{
	struct origins o;
	struct origin *a, *b;
	uint64_t half;

	(void)state;
	origins_init(&o, 16);
	a = origins_find(&o, "a");
	b = origins_find(&o, "b");
	half = b->line.limit / 2;
	origin_led(a, b);
	/* One is there, another on its way there. */
	window_enter(&b->line, half, true);
	assert_true(origins_has_slot(&o, a, half, true, NOW));
	window_enter(&a->line, half, true);
	assert_false(origins_has_slot(&o, a, half, true, NOW));
	assert_false(origins_has_slot(&o, a, half, false, NOW));
	/* A fast line there is fast whatever is known of the redirector's own. */
	window_note(&b->line, 4 * half, NOW, NOW + 1, true);
	assert_true(origins_has_slot(&o, a, 2 * half, true, NOW));
	window_leave(&a->line, half, true);
	window_leave(&b->line, half, true);
	/* What nobody waits for holds up nobody. */
	window_enter(&a->line, 100 * half, false);
	assert_true(origins_has_slot(&o, a, half, true, NOW));
	assert_false(origins_has_slot(&o, a, half, false, NOW));
	origins_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_one_connection),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_slow_down),
		cmocka_unit_test(test_leads_to),
		cmocka_unit_test(test_redirects_speed_up),
		cmocka_unit_test(test_window_behind_redirect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
