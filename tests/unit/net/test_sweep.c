/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/sweep.h"
#include "util/clock.h"

/* Time is a number here, and nothing is sent. */
#define START (1000 * NS_PER_SECOND)

struct fixture {
	struct schedule s;
	struct tries tries;
	struct origin origin;
	struct fetch fetch;
	struct fetch_try t; /* the only one under way */
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	schedule_init(&x->s, 1000);
	assert_int_equal(mirrors_new("http://a.test/", &x->fetch.mirrors, NULL), 0);
	x->fetch.deadline = START + 100 * NS_PER_SECOND;
	x->tries.settings.connect_timeout = 10 * NS_PER_SECOND;
	x->tries.settings.stall_timeout = 15 * NS_PER_SECOND;
	x->tries.first = &x->t;
	x->t.fetch = &x->fetch;
	x->t.origin = &x->origin;
	x->t.started = x->t.asked_at = x->t.heard = START;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	mirrors_free(x->fetch.mirrors);
	free(x);
	return 0;
}

/* Sweeps when it is due, until it is not for nothing: why, and how long, ns, that took. */
static enum fetch_stop sweep_until_stopped(struct fixture *x, int64_t *took)
{
	int64_t now = START;

	sweep_expect(&x->s, &x->tries.settings, &x->fetch, START);
	for (int i = 0; i < 100; i++) {
		assert_true(x->s.sweep_at > now);
		now = x->s.sweep_at;
		if (sweep_run(&x->s, &x->tries, now, false))
			break;
	}
	*took = now - START;
	return x->t.stop;
}

static void test_silence(void **state)
{
	struct fixture *x = *state;
	int64_t took;

	assert_int_equal(sweep_until_stopped(x, &took), STOP_SILENCE);
	assert_in_range(took, 10 * NS_PER_SECOND, 11 * NS_PER_SECOND);
	x->t.connected = true;
	x->s.sweep_at = DEADLINE_NONE;
	assert_int_equal(sweep_until_stopped(x, &took), STOP_SILENCE);
	assert_int_equal(took, 15 * NS_PER_SECOND);
	/* A probe of a server that was out of reach has less. */
	x->t.hasty = true;
	x->s.sweep_at = DEADLINE_NONE;
	assert_int_equal(sweep_until_stopped(x, &took), STOP_SILENCE);
	assert_in_range(took, 3 * NS_PER_SECOND, 4 * NS_PER_SECOND);
}

static void test_deadline(void **state)
{
	struct fixture *x = *state;
	int64_t took;

	x->fetch.deadline = START + 5 * NS_PER_SECOND;
	assert_int_equal(sweep_until_stopped(x, &took), STOP_DEADLINE);
	assert_int_equal(took, 5 * NS_PER_SECOND);
}

static void test_cancelled(void **state)
{
	struct fixture *x = *state;

	assert_false(sweep_run(&x->s, &x->tries, START, false));
	assert_int_equal(x->t.stop, STOP_NOT);
	assert_true(sweep_run(&x->s, &x->tries, START, true));
	assert_int_equal(x->t.stop, STOP_CANCELLED);
	x->fetch.state.cancelled = true;
	assert_true(sweep_run(&x->s, &x->tries, START, false));
	assert_int_equal(x->t.stop, STOP_CANCELLED);
}

/* Slower than its peers: a second is due where there is another mirror, and once. */
static void test_late(void **state)
{
	struct fixture *x = *state;
	int64_t now = START + hedge_patience(&x->s.hedge);

	assert_false(sweep_run(&x->s, &x->tries, now, false));
	assert_false(x->t.late);
	assert_int_equal(mirrors_add(x->fetch.mirrors, "http://b.test/"), 0);
	sweep_run(&x->s, &x->tries, now - 1, false);
	assert_false(x->t.late);
	sweep_run(&x->s, &x->tries, now, false);
	assert_true(x->t.late);
	x->t.twin = &x->t;
	sweep_run(&x->s, &x->tries, now, false);
	assert_false(x->t.late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_silence),
		TEST(test_deadline),
		TEST(test_cancelled),
		TEST(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
