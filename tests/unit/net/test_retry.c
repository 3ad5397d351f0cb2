/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "unit/schedule_fixture.h"

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
		assert_int_equal(x->s.budget.held, 10);
		retry(x, &a, &v);
		assert_null(pick(x, NULL));
		assert_int_equal(x->s.budget.held, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_retry_waits),
		TEST(test_retry_after),
		TEST(test_pause_beyond_deadline),
		TEST(test_gaps),
		TEST(test_retry_until),
		TEST(test_mirrors_in_turn),
		TEST(test_all_absent),
		TEST(test_impatient),
		TEST(test_one_try_before_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
