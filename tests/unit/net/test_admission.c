/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "unit/schedule_fixture.h"

static void test_order(void **state)
{
	struct fixture *x = *state;
	struct fetch *p = add(x, x->one, FETCH_PREFETCH, 1);
	struct fetch *r = add(x, x->one, FETCH_READAHEAD, 1);
	struct fetch *q = add(x, x->one, FETCH_PREFETCH, 1);
	struct fetch *d = add(x, x->one, FETCH_DEMAND, 1);

	schedule_raise(&x->s, q, FETCH_READAHEAD, DEADLINE_NONE, x->now);
	schedule_raise(&x->s, q, FETCH_PREFETCH, DEADLINE_NONE, x->now); /* never lowered */
	assert_ptr_equal(pick(x, NULL), d);
	assert_ptr_equal(pick(x, NULL), r);
	assert_ptr_equal(pick(x, NULL), q);
	/* Three of four: the last place is for demand. */
	assert_null(pick(x, NULL));
	d = add(x, x->one, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, NULL), d);
	assert_null(pick(x, NULL));
	assert_ptr_equal(x->s.queues[FETCH_PREFETCH].first, p);
	assert_false(schedule_is_empty(&x->s));
}

static void test_busy_server_lets_others_pass(void **state)
{
	struct fixture *x = *state;
	struct fetch *f;

	for (int i = 0; i < 4; i++) {
		f = add(x, x->one, FETCH_DEMAND, 1);
		assert_ptr_equal(pick(x, NULL), f);
	}
	add(x, x->one, FETCH_DEMAND, 1);
	f = add(x, x->two, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, NULL), f);
	assert_null(pick(x, NULL));
}

static void test_multiplexing(void **state)
{
	struct fixture *x = *state;
	unsigned n = 0;

	for (int i = 0; i < 250; i++)
		add(x, x->one, FETCH_DEMAND, 1);
	origins_find(&x->origins, mirrors_origin(x->one, 0))->multiplexing =
		MULTIPLEXING_YES;
	while (pick(x, NULL))
		n++;
	assert_int_equal(n, STREAMS_MAX);
}

static void test_budget(void **state)
{
	struct fixture *x = *state;
	struct fetch *big = add(x, x->one, FETCH_READAHEAD, 5000), *f, *g;

	/* One is always let in; demand beside it, but one. */
	assert_ptr_equal(pick(x, NULL), big);
	add(x, x->one, FETCH_READAHEAD, 1);
	assert_null(pick(x, NULL));
	f = add(x, x->two, FETCH_DEMAND, 3000);
	g = add(x, x->two, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, NULL), f);
	assert_null(pick(x, NULL));
	/* What costs nothing never waits. */
	schedule_raise(&x->s, g, FETCH_DEMAND, 0, x->now);
	schedule_sweep(&x->s, x->now, false);
	assert_ended(x, g, ERR_TIMEOUT, "turn");
	g = add(x, x->two, FETCH_DEMAND, 0);
	assert_ptr_equal(pick(x, NULL), g);
	budget_release(&x->s.budget, big);
	budget_release(&x->s.budget, f);
	assert_int_equal(x->s.budget.held, 0);
	assert_int_equal(x->s.budget.demands, 0);
	assert_non_null(pick(x, NULL));
}

/* What demand held and no longer needs lets one more demand through, nobody else. */
static void test_lowered_demand_stands_in_nobodys_way(void **state)
{
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1000), *g;

	assert_ptr_equal(pick(x, NULL), f);
	g = add(x, x->one, FETCH_DEMAND, 1000);
	assert_null(pick(x, NULL));
	budget_lower(&x->s.budget, f);
	assert_int_equal(x->s.budget.held, 1000);
	assert_ptr_equal(pick(x, NULL), g);
	add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	budget_release(&x->s.budget, f);
	budget_release(&x->s.budget, g);
	assert_int_equal(x->s.budget.held, 0);
	assert_int_equal(x->s.budget.demands, 0);
}

static void test_budget_share(void **state)
{
	struct fixture *x = *state;
	struct fetch *f;

	/* Readahead: 750 of 1000. Demand: the rest. */
	f = add(x, x->one, FETCH_READAHEAD, 700);
	assert_ptr_equal(pick(x, NULL), f);
	f = add(x, x->one, FETCH_READAHEAD, 51);
	assert_null(pick(x, NULL));
	add(x, x->two, FETCH_DEMAND, 100);
	add(x, x->two, FETCH_DEMAND, 200);
	assert_non_null(pick(x, NULL));
	assert_non_null(pick(x, NULL));
	add(x, x->two, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	assert_int_equal(x->s.budget.held, 1000);
	assert_ptr_equal(x->s.queues[FETCH_READAHEAD].first, f);
}

/* Of many who wait for a dead server, one asks now and then; when it is back all go on. */
static void test_probes(void **state)
{
	struct try_result v = result(TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "refused");
	struct fixture *x = *state;
	int64_t back = x->now + 30 * NS_PER_SECOND;
	struct admission a;
	unsigned probes = 0, hasty = 0;

	v.unwell = true;
	v.fault = MIRROR_UNREACHABLE;
	for (int i = 0; i < 200; i++)
		add(x, x->one, FETCH_DEMAND, 1);
	for (;;) {
		while (pick(x, &a) && x->now < back) {
			probes++;
			hasty += a.hasty;
			x->now += MS;
			retry(x, &a, &v);
		}
		if (x->now >= back)
			break;
		sweep(x);
	}
	assert_in_range(probes, 15, 50);
	assert_in_range(hasty, probes / 2, probes - 1);
	assert_true(x->now < back + 2 * NS_PER_SECOND);
	mirrors_succeeded(x->one, 0, MS, 1);
	schedule_succeed(&x->s, a.fetch);
	assert_null(x->s.waiting.first);
	while (pick(x, &a))
		assert_false(a.probe);
}

/* A probe that hangs keeps nobody from the next, nor from another mirror. */
static void test_a_probe_hangs(void **state)
{
	struct fixture *x = *state;
	struct admission a;

	mirrors_failed(x->one, 0, MIRROR_UNREACHABLE, x->now);
	mirrors_failed(x->two, 0, MIRROR_UNREACHABLE, x->now);
	x->now += 5 * NS_PER_SECOND;
	for (int i = 0; i < 3; i++)
		add(x, x->one, FETCH_DEMAND, 1);
	for (int i = 0; i < 3; i++) {
		assert_non_null(pick(x, &a));
		assert_true(a.probe);
		assert_null(pick(x, &a));
		if (i == 2)
			break;
		sweep(x);
	}
	for (int i = 0; i < 2; i++) {
		add(x, x->two, FETCH_DEMAND, 1);
		assert_non_null(pick(x, &a));
		assert_int_equal(a.mirror, i);
	}
	/* Who had no try of his own knows why. */
	mirrors_failed(x->one, 0, MIRROR_UNREACHABLE, x->now);
	add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, &a));
	x->now += 200 * NS_PER_SECOND;
	schedule_sweep(&x->s, x->now, false);
	assert_ended(x, &x->fetches[x->count - 1], ERR_UNREACHABLE, "cannot be reached");
}

/* Nobody waits: who comes again soon finds it in its place, and only then. */
static void test_abandoned(void **state)
{
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct fetch *g = add(x, x->one, FETCH_DEMAND, 1);
	struct fetch *h = add(x, x->one, FETCH_DEMAND, 1);

	schedule_abandon(f, x->now);
	schedule_abandon(g, x->now);
	schedule_abandon(h, x->now);
	x->now += 500 * MS;
	assert_ptr_equal(pick(x, NULL), f);
	schedule_raise(&x->s, g, FETCH_DEMAND, DEADLINE_NONE, x->now);
	x->now += 5000 * MS;
	assert_ptr_equal(pick(x, NULL), g);
	assert_null(pick(x, NULL));
	assert_ended(x, h, ERR_INTERRUPTED, "f3");
}

static void test_double(void **state)
{
	const struct try_result v = result(
		TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->two, FETCH_DEMAND, 300);
	struct admission first, second;

	assert_ptr_equal(pick(x, &first), f);
	assert_true(admission_double(&x->s, f, first.mirror, &x->origins, x->now, &second));
	assert_ptr_equal(second.fetch, f);
	assert_true(second.mirror != first.mirror);
	assert_true(second.origin != first.origin);
	assert_int_equal(x->s.budget.held, 600);
	assert_int_equal(x->s.counters.doubled, 1);
	retry_note_failure(f, first.mirror, &v);
	assert_null(f->state.list);
	/* Of two mirrors, one failed and the other is being asked. */
	assert_false(
		admission_double(&x->s, f, second.mirror, &x->origins, x->now, &first));
	retry(x, &second, &v);
	assert_int_equal(x->s.budget.held, 0);
	assert_null(pick(x, NULL));
	assert_ptr_equal(x->s.waiting.first, f);
}

static void test_double_or_not(void **state)
{
	struct fixture *x = *state;
	struct fetch *alone = add(x, x->one, FETCH_DEMAND, 1);
	struct fetch *f = add(x, x->two, FETCH_DEMAND, 1);
	struct fetch *large = add(x, x->two, FETCH_DEMAND, 500);
	struct admission a, second;

	assert_ptr_equal(pick(x, &a), alone);
	assert_false(
		admission_double(&x->s, alone, a.mirror, &x->origins, x->now, &second));
	assert_ptr_equal(pick(x, &a), f);
	/* A mirror that is to be left alone is. */
	mirrors_failed(x->two, !a.mirror, MIRROR_UNREACHABLE, x->now);
	assert_false(admission_double(&x->s, f, a.mirror, &x->origins, x->now, &second));
	mirrors_succeeded(x->two, !a.mirror, MS, 1);
	assert_true(admission_double(&x->s, f, a.mirror, &x->origins, x->now, &second));
	/* No memory for two of that size. */
	assert_ptr_equal(pick(x, &a), large);
	assert_false(
		admission_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
	budget_release(&x->s.budget, large);
	large->cost = 1;
	while (hedge_take(&x->s.hedge))
		;
	assert_false(
		admission_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
	hedge_give_back(&x->s.hedge);
	assert_true(admission_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
}

/* Its turn comes just before its time is up: it has what the others took, which got on. */
static void test_has_time_when_its_turn_comes(void **state)
{
	struct fixture *x = *state;
	struct fetch *first = add(x, x->one, FETCH_DEMAND, 1), *next;
	int64_t took = 99 * NS_PER_SECOND;

	next = add(x, x->one, FETCH_DEMAND, 1);
	next->patience = 100 * NS_PER_SECOND;
	assert_ptr_equal(pick(x, NULL), first);
	progress_begin(&x->s.progress, x->now);
	x->now += took;
	progress_complete(&x->s.progress, x->now);
	schedule_succeed(&x->s, first);
	assert_ptr_equal(pick(x, NULL), next);
	assert_int_equal(next->deadline, x->now + next->patience);
	/* While nothing got on, time runs. */
	next = add(x, x->one, FETCH_DEMAND, 1);
	next->patience = 100 * NS_PER_SECOND;
	x->now += took;
	assert_ptr_equal(pick(x, NULL), next);
	assert_int_equal(next->deadline, x->now - took + next->patience);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_busy_server_lets_others_pass),
		TEST(test_multiplexing),
		TEST(test_budget),
		TEST(test_lowered_demand_stands_in_nobodys_way),
		TEST(test_budget_share),
		TEST(test_probes),
		TEST(test_a_probe_hangs),
		TEST(test_abandoned),
		TEST(test_has_time_when_its_turn_comes),
		TEST(test_double),
		TEST(test_double_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
