/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/schedule.h"
#include "util/clock.h"

/* Time is a number here: nothing waits. */
#define START (1000 * NS_PER_SECOND)
#define MS NS_PER_MS

struct fixture {
	struct schedule s;
	struct origins origins;
	struct mirrors *one, *two; /* with one mirror, with two */
	struct fetch fetches[300];
	unsigned count;
	int64_t now;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	schedule_init(&x->s, 1000);
	origins_init(&x->origins, 4);
	assert_int_equal(mirrors_new("http://one.test/", &x->one, NULL), 0);
	assert_int_equal(mirrors_new("http://a.test/", &x->two, NULL), 0);
	assert_int_equal(mirrors_add(x->two, "http://b.test/"), 0);
	x->now = START;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	origins_release(&x->origins);
	mirrors_free(x->one);
	mirrors_free(x->two);
	free(x);
	return 0;
}

static struct fetch *add(
	struct fixture *x, struct mirrors *m, enum fetch_priority priority, uint64_t cost)
{
	struct fetch *f = &x->fetches[x->count++];

	f->mirrors = m;
	f->priority = priority;
	f->cost = cost;
	f->deadline = x->now + 100 * NS_PER_SECOND;
	snprintf(f->path, sizeof f->path, "f%u", x->count);
	schedule_add(&x->s, f);
	return f;
}

/* What begins now, or NULL; counted at its server as the fetcher does. */
static struct fetch *pick(struct fixture *x, struct admission *a)
{
	struct admission own;

	a = a ? a : &own;
	if (!schedule_pick(&x->s, &x->origins, x->now, a))
		return NULL;
	origin_begin(a->origin, x->now);
	return a->fetch;
}

static struct try_result result(
	enum try_outcome outcome, enum trouble_rank rank, int error, const char *words)
{
	struct try_result v = {.outcome = outcome, .rank = rank};

	trouble_set(&v.trouble, error, "%s", words);
	return v;
}

static void retry(struct fixture *x, const struct admission *a, const struct try_result *v)
{
	origin_end(a->origin);
	if (v->unwell)
		mirrors_failed(a->fetch->mirrors, a->mirror, v->fault, x->now);
	schedule_retry(&x->s, a->fetch, a->mirror, v, x->now);
}

/* Moves time to the next sweep. */
static void sweep(struct fixture *x)
{
	assert_true(x->s.sweep_at != DEADLINE_NONE);
	if (x->s.sweep_at > x->now)
		x->now = x->s.sweep_at;
	schedule_sweep(&x->s, x->now, false);
}

static void assert_ended(struct fixture *x, struct fetch *f, int error, const char *words)
{
	assert_ptr_equal(schedule_next_ended(&x->s), f);
	assert_int_equal(f->error, error);
	if (!strstr(f->trouble.text, words))
		fail_msg("\"%s\" lacks \"%s\"", f->trouble.text, words);
	assert_int_equal(f->state.held, 0);
}

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
	schedule_release(&x->s, big);
	schedule_release(&x->s, f);
	assert_int_equal(x->s.held, 0);
	assert_int_equal(x->s.demands, 0);
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
	schedule_lower(&x->s, f);
	assert_int_equal(x->s.held, 1000);
	assert_ptr_equal(pick(x, NULL), g);
	add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	schedule_release(&x->s, f);
	schedule_release(&x->s, g);
	assert_int_equal(x->s.held, 0);
	assert_int_equal(x->s.demands, 0);
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
	assert_int_equal(x->s.held, 1000);
	assert_ptr_equal(x->s.queues[FETCH_READAHEAD].first, f);
}

static void test_deadlines(void **state)
{
	struct fixture *x = *state;
	struct fetch *late = add(x, x->one, FETCH_PREFETCH, 1);
	struct fetch *soon = add(x, x->one, FETCH_PREFETCH, 1);

	schedule_raise(&x->s, soon, FETCH_PREFETCH, START + 5 * MS, x->now);
	assert_int_equal(x->s.sweep_at, START + 5 * MS);
	sweep(x);
	assert_ended(x, soon, ERR_TIMEOUT, "http://one.test/f2");
	assert_null(schedule_next_ended(&x->s));
	assert_int_equal(x->s.sweep_at, late->deadline);
	schedule_sweep(&x->s, x->now, true);
	assert_ended(x, late, ERR_INTERRUPTED, "f1");
	assert_true(schedule_is_empty(&x->s));
	assert_int_equal(x->s.counters.failures, 1);
}

static void test_retry_waits(void **state)
{
	const struct try_result v = result(
		TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_PREFETCH, 10);
	int64_t before, most = 100 * MS;
	struct admission a;

	/* Longer and longer, until the deadline; then what was wrong is said. */
	while (pick(x, &a) == f) {
		before = x->now;
		assert_int_equal(x->s.held, 10);
		retry(x, &a, &v);
		assert_null(pick(x, NULL));
		assert_int_equal(x->s.held, 0);
		sweep(x);
		if (x->s.ending.first)
			break;
		assert_in_range(x->now - before, most / 2, most);
		most = most * 2 < 8000 * MS ? most * 2 : 8000 * MS;
	}
	assert_ended(x, f, ERR_UNREACHABLE, "broken");
	assert_int_equal(x->now, f->deadline);
	assert_true(f->state.tries > 15 && f->state.tries < 40);
}

static void test_retry_after(void **state)
{
	struct try_result v = result(TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "too many");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct admission a;

	v.slow_down = true;
	assert_ptr_equal(pick(x, &a), f);
	mirrors_pause(x->one, 0, START + 7000 * MS);
	retry(x, &a, &v);
	assert_null(pick(x, NULL));
	/* Whoever comes meanwhile waits as well, whatever else succeeds there. */
	mirrors_succeeded(x->one, 0, MS, 1);
	add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	sweep(x);
	assert_int_equal(x->now, START + 7000 * MS);
	assert_ptr_equal(pick(x, NULL)->mirrors, x->one);
}

/* Longer than there is time: told at once, and nothing is asked. Another mirror is. */
static void test_pause_beyond_deadline(void **state)
{
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct admission a;

	mirrors_pause(x->one, 0, START + 300 * NS_PER_SECOND);
	assert_null(pick(x, NULL));
	assert_ended(x, f, ERR_UNREACHABLE, "300 more seconds");
	f = add(x, x->one, FETCH_DEMAND, 1);
	f->impatient = true;
	assert_null(pick(x, NULL));
	assert_ended(x, f, ERR_UNREACHABLE, "more seconds");
	mirrors_pause(x->two, 0, START + 300 * NS_PER_SECOND);
	f = add(x, x->two, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, &a), f);
	assert_int_equal(a.mirror, 1);
}

/* Of one that is asked too much, fetches wait for the gap, in their order. */
static void test_gaps(void **state)
{
	struct try_result v = result(TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "too many");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct admission a;

	v.slow_down = true;
	assert_ptr_equal(pick(x, &a), f);
	origin_slow_down(a.origin, START, START + 1, NS_PER_SECOND);
	retry(x, &a, &v);
	add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	assert_int_equal(x->s.sweep_at, origin_next_at(a.origin));
	sweep(x);
	assert_ptr_equal(pick(x, &a), f);
	assert_null(pick(x, NULL));
	schedule_succeed(&x->s, f);
	sweep(x);
	assert_null(pick(x, NULL)); /* one at a time */
	origin_end(a.origin);
	assert_non_null(pick(x, NULL));
}

/* Asked anew up to a time, then once more. */
static void test_retry_until(void **state)
{
	const struct try_result v = result(
		TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct admission a;

	f->retry_until = START + NS_PER_SECOND;
	while (pick(x, &a) == f) {
		retry(x, &a, &v);
		if (!pick(x, NULL) && x->s.waiting.first)
			sweep(x);
	}
	assert_ended(x, f, ERR_UNREACHABLE, "broken");
	assert_true(f->state.tries > 2);
	assert_int_equal(x->now, f->retry_until);
}

static void test_mirrors_in_turn(void **state)
{
	const struct try_result broken = result(
		TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	const struct try_result absent = result(
		TRY_REFUSED, RANK_ABSENT, ERR_ABSENT, "absent");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->two, FETCH_DEMAND, 1);
	struct admission a;

	assert_ptr_equal(pick(x, &a), f);
	assert_int_equal(a.mirror, 0);
	retry(x, &a, &broken);
	/* The other at once. */
	assert_ptr_equal(pick(x, &a), f);
	assert_int_equal(a.mirror, 1);
	retry(x, &a, &absent);
	/* That one no more; the first again, but after a while. */
	assert_null(pick(x, &a));
	sweep(x);
	assert_ptr_equal(pick(x, &a), f);
	assert_int_equal(a.mirror, 0);
	retry(x, &a, &absent);
	/* What failed tells more than what is absent, but both have been asked and say so.
	 */
	assert_null(pick(x, &a));
	assert_ended(x, f, ERR_UNREACHABLE, "broken");
}

static void test_all_absent(void **state)
{
	const struct try_result absent = result(
		TRY_REFUSED, RANK_ABSENT, ERR_ABSENT, "absent");
	const struct try_result denied = result(
		TRY_REFUSED, RANK_REFUSED, ERR_DENIED, "denied");
	struct fixture *x = *state;
	struct admission a;

	for (int order = 0; order < 3; order++) {
		struct fetch *f = add(x, x->two, FETCH_DEMAND, 1);

		assert_ptr_equal(pick(x, &a), f);
		retry(x, &a, order == 1 ? &denied : &absent);
		assert_ptr_equal(pick(x, &a), f);
		retry(x, &a, order == 2 ? &denied : &absent);
		assert_null(pick(x, &a));
		assert_ended(
			x, f, order ? ERR_DENIED : ERR_ABSENT, order ? "denied" : "absent");
	}
}

static void test_absent_is_not_said_early(void **state)
{
	const struct try_result absent = result(
		TRY_REFUSED, RANK_ABSENT, ERR_ABSENT, "absent");
	const struct try_result hurried = result(
		TRY_FAILED, RANK_HURRIED, ERR_TIMEOUT, "time was up");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->two, FETCH_DEMAND, 1);
	struct admission a;

	assert_ptr_equal(pick(x, &a), f);
	retry(x, &a, &absent);
	assert_ptr_equal(pick(x, &a), f);
	x->now = f->deadline;
	retry(x, &a, &hurried);
	assert_ended(x, f, ERR_TIMEOUT, "time was up");
	/* The same when it has only been queued again. */
	f = add(x, x->two, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, &a), f);
	retry(x, &a, &absent);
	x->now = f->deadline;
	schedule_sweep(&x->s, x->now, false);
	assert_ended(x, f, ERR_TIMEOUT, "in time");
}

static void test_impatient(void **state)
{
	struct try_result v = result(TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	struct fixture *x = *state;
	struct fetch *f;
	struct admission a;

	v.unwell = true;
	v.fault = MIRROR_UNREACHABLE;
	for (int i = 0; i < 2; i++) {
		/* The second time both are backed off from: asked all the same. */
		f = add(x, x->two, FETCH_DEMAND, 1);
		f->impatient = true;
		assert_ptr_equal(pick(x, &a), f);
		retry(x, &a, &v);
		assert_ptr_equal(pick(x, &a), f);
		retry(x, &a, &v);
		assert_null(pick(x, &a));
		assert_ended(x, f, ERR_UNREACHABLE, "broken");
	}
}

static void test_outage(void **state)
{
	struct try_result v = result(TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "refused");
	struct fixture *x = *state;
	struct fetch *first = add(x, x->one, FETCH_DEMAND, 1), *second, *other;
	struct admission a;

	v.unwell = true;
	v.fault = MIRROR_UNREACHABLE;
	assert_ptr_equal(pick(x, &a), first);
	for (int i = 0; i < 8; i++) {
		retry(x, &a, &v);
		assert_null(pick(x, &a));
		while (x->s.waiting.first)
			sweep(x);
		assert_ptr_equal(pick(x, &a), first);
	}
	/* Now a newcomer waits too, without a try. */
	mirrors_failed(x->one, 0, MIRROR_UNREACHABLE, x->now);
	second = add(x, x->one, FETCH_DEMAND, 1);
	assert_null(pick(x, NULL));
	assert_ptr_equal(x->s.waiting.first, second);
	other = add(x, x->two, FETCH_DEMAND, 1);
	assert_ptr_equal(pick(x, NULL), other);
	schedule_succeed(&x->s, other);
	assert_ptr_equal(x->s.waiting.first, second);
	/* The first success lets it go. */
	mirrors_succeeded(x->one, 0, MS, 1);
	schedule_succeed(&x->s, first);
	assert_null(x->s.waiting.first);
	assert_ptr_equal(pick(x, NULL), second);
	schedule_release(&x->s, other);
	assert_ended(x, other, 0, "");
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

static void test_one_try_before_the_deadline(void **state)
{
	struct fixture *x = *state;
	struct fetch *f;

	for (int i = 0; i < 10; i++) {
		mirrors_failed(x->one, 0, MIRROR_UNREACHABLE, x->now);
		x->now += 20 * NS_PER_SECOND;
	}
	mirrors_failed(x->one, 0, MIRROR_UNREACHABLE, x->now);
	f = add(x, x->one, FETCH_DEMAND, 1);
	f->deadline = x->now + NS_PER_SECOND;
	assert_ptr_equal(pick(x, NULL), f);
}

static void test_cancel_while_it_waits(void **state)
{
	const struct try_result v = result(
		TRY_FAILED, RANK_FAILED, ERR_UNREACHABLE, "broken");
	struct fixture *x = *state;
	struct fetch *f = add(x, x->one, FETCH_DEMAND, 1);
	struct admission a;

	assert_ptr_equal(pick(x, &a), f);
	retry(x, &a, &v);
	assert_null(pick(x, NULL));
	assert_ptr_equal(x->s.waiting.first, f);
	schedule_interrupt(&x->s, f);
	assert_ended(x, f, ERR_INTERRUPTED, "f1");
	assert_true(schedule_is_empty(&x->s));
	assert_int_equal(x->s.counters.failures, 0);
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
	assert_true(schedule_double(&x->s, f, first.mirror, &x->origins, x->now, &second));
	assert_ptr_equal(second.fetch, f);
	assert_true(second.mirror != first.mirror);
	assert_true(second.origin != first.origin);
	assert_int_equal(x->s.held, 600);
	assert_int_equal(x->s.counters.doubled, 1);
	schedule_note_failure(f, first.mirror, &v);
	assert_null(f->state.list);
	/* Of two mirrors, one failed and the other is being asked. */
	assert_false(schedule_double(&x->s, f, second.mirror, &x->origins, x->now, &first));
	retry(x, &second, &v);
	assert_int_equal(x->s.held, 0);
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
	assert_false(schedule_double(&x->s, alone, a.mirror, &x->origins, x->now, &second));
	assert_ptr_equal(pick(x, &a), f);
	/* A mirror that is to be left alone is. */
	mirrors_failed(x->two, !a.mirror, MIRROR_UNREACHABLE, x->now);
	assert_false(schedule_double(&x->s, f, a.mirror, &x->origins, x->now, &second));
	mirrors_succeeded(x->two, !a.mirror, MS, 1);
	assert_true(schedule_double(&x->s, f, a.mirror, &x->origins, x->now, &second));
	/* No memory for two of that size. */
	assert_ptr_equal(pick(x, &a), large);
	assert_false(schedule_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
	schedule_release(&x->s, large);
	large->cost = 1;
	while (hedge_take(&x->s.hedge))
		;
	assert_false(schedule_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
	hedge_give_back(&x->s.hedge);
	assert_true(schedule_double(&x->s, large, a.mirror, &x->origins, x->now, &second));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_busy_server_lets_others_pass),
		TEST(test_multiplexing),
		TEST(test_budget),
		TEST(test_lowered_demand_stands_in_nobodys_way),
		TEST(test_budget_share),
		TEST(test_deadlines),
		TEST(test_retry_waits),
		TEST(test_retry_after),
		TEST(test_pause_beyond_deadline),
		TEST(test_gaps),
		TEST(test_retry_until),
		TEST(test_mirrors_in_turn),
		TEST(test_all_absent),
		TEST(test_absent_is_not_said_early),
		TEST(test_impatient),
		TEST(test_outage),
		TEST(test_probes),
		TEST(test_a_probe_hangs),
		TEST(test_one_try_before_the_deadline),
		TEST(test_cancel_while_it_waits),
		TEST(test_abandoned),
		TEST(test_double),
		TEST(test_double_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
