/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/polling.h"

#define SHORT (POLLING_GAP / 2)
#define LONG (POLLING_GAP * 2)

/* A request `gap` after the last; returns the time when it is done. */
static int64_t request(struct polling *p, int64_t now, int64_t gap)
{
	polling_received(p, now + gap);
	polling_done(p, now + gap + 1000);
	return now + gap + 1000;
}

static int64_t stream(struct polling *p, int64_t now)
{
	for (int i = 0; i <= POLLING_STREAK; i++)
		now = request(p, now, SHORT);
	return now;
}

static void test_looks_only_in_a_stream(void **state)
{
	struct polling p = {0};
	int64_t now = request(&p, LONG, LONG);

	(void)state;
	assert_false(polling_again(&p, now));
	now = stream(&p, now);
	assert_true(polling_again(&p, now));
	now = request(&p, now, LONG);
	assert_false(polling_again(&p, now));
}

static void test_gives_up(void **state)
{
	struct polling p = {0};
	int64_t now = stream(&p, LONG);

	(void)state;
	assert_true(polling_again(&p, now + POLLING_TIME - 1));
	assert_false(polling_again(&p, now + POLLING_TIME));
	/* One that comes soon afterwards does not make a stream. */
	now = request(&p, now, SHORT);
	assert_false(polling_again(&p, now));
	assert_true(polling_again(&p, stream(&p, now)));
}

static void test_leaves_the_cpu_to_others(void **state)
{
	struct polling p = {.preemptions = 100};
	int64_t now = stream(&p, LONG);

	(void)state;
	polling_preempted(&p, now, 100 + POLLING_CROWD - 1);
	assert_true(polling_again(&p, now));
	polling_preempted(&p, now, 100 + POLLING_CROWD - 1 + POLLING_CROWD);
	assert_false(polling_again(&p, now));
	for (int64_t end = now + POLLING_PAUSE; now < end;) {
		assert_false(polling_again(&p, now));
		now = stream(&p, now);
	}
	assert_true(polling_again(&p, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks_only_in_a_stream),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_leaves_the_cpu_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
