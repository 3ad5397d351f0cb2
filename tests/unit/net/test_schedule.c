/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "unit/schedule_fixture.h"

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
	budget_release(&x->s.budget, other);
	assert_ended(x, other, 0, "");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deadlines),
		TEST(test_absent_is_not_said_early),
		TEST(test_outage),
		TEST(test_cancel_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
