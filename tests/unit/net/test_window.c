/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/window.h"
#include "util/clock.h"

#define CHUNK (UINT64_C(512) << 10)
#define START (1000 * NS_PER_SECOND)

/* How many chunks may be under way at once. */
static unsigned places(struct window *w, bool demand)
{
	unsigned n = 0, left;

	while (n < 1000 && window_allows(w, CHUNK, demand)) {
		window_enter(w, CHUNK, demand);
		n++;
	}
	for (left = n; left > 0; left--)
		window_leave(w, CHUNK, demand);
	return n;
}

/* A line of so many bytes a second, shared by all that may be under way, for a while. */
static void carry(struct window *w, double rate, unsigned rounds)
{
	int64_t now = w->shrunk + START;

	while (rounds-- > 0) {
		unsigned n = places(w, true);
		int64_t took = (int64_t)((double)(n * CHUNK) / rate * NS_PER_SECOND);

		for (unsigned i = 0; i < n; i++)
			window_note(w, CHUNK, now, now + took, true);
		now += took;
	}
}

static void test_slow_line(void **state)
{
	struct window w;

	(void)state;
	window_init(&w);
	assert_in_range(places(&w, true), 2, 8);
	carry(&w, 62500, 3);
	assert_int_equal(places(&w, true), 1);
	/* What is larger than it all may go alone. */
	assert_true(window_allows(&w, 100 * CHUNK, false));
	/* It got faster. */
	carry(&w, 12.5e6, 10);
	assert_true(places(&w, true) > 30);
}

/* Where a second is nothing, no line is idle for want of permission. */
static void test_fast_line(void **state)
{
	struct window w;

	(void)state;
	window_init(&w);
	carry(&w, 125e6, 1);
	assert_true(places(&w, true) >= 12);
	carry(&w, 125e6, 4);
	assert_true(places(&w, true) > 100);
}

static void test_shrinks_once_for_all_that_were_under_way(void **state)
{
	struct window w;
	uint64_t limit;

	(void)state;
	window_init(&w);
	w.limit = 64 * CHUNK;
	window_note(&w, CHUNK, START, START + 10 * NS_PER_SECOND, true);
	limit = w.limit;
	assert_true(limit < 64 * CHUNK);
	window_note(&w, CHUNK, START, START + 10 * NS_PER_SECOND, true);
	assert_int_equal(w.limit, limit);
	window_note(
		&w, CHUNK, START + 10 * NS_PER_SECOND, START + 30 * NS_PER_SECOND, true);
	assert_true(w.limit < limit);
}

static void test_what_is_cut_off_is_not_quick(void **state)
{
	struct window w;
	uint64_t limit;

	(void)state;
	window_init(&w);
	limit = w.limit;
	window_note(&w, 1000, START, START + NS_PER_SECOND, false);
	assert_int_equal(w.limit, limit);
	window_note(&w, 1000, START, START + 10 * NS_PER_SECOND, false);
	assert_true(w.limit < limit);
}

static void test_demand_waits_for_demand_only(void **state)
{
	struct window w;

	(void)state;
	window_init(&w);
	w.limit = CHUNK;
	window_enter(&w, CHUNK, false);
	assert_false(window_allows(&w, CHUNK, false));
	assert_true(window_allows(&w, CHUNK, true));
	window_enter(&w, CHUNK, true);
	assert_false(window_allows(&w, CHUNK, true));
	assert_true(window_allows(&w, 0, false)); /* of no known size, like a manifest */
	window_leave(&w, CHUNK, true);
	window_leave(&w, CHUNK, false);
	assert_int_equal(w.under_way + w.demanded, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_line),
		cmocka_unit_test(test_fast_line),
		cmocka_unit_test(test_shrinks_once_for_all_that_were_under_way),
		cmocka_unit_test(test_what_is_cut_off_is_not_quick),
		cmocka_unit_test(test_demand_waits_for_demand_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
