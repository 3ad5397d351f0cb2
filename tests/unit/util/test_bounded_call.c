/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/bounded_call.h"
#include "util/clock.h"
#include "util/error.h"
#include "unit/await.h"

static int64_t in_ms(int64_t ms)
{
	return clock_monotonic() + ms * NS_PER_MS;
}

/* Something that a stranger may hold. */
struct owner {
	pthread_mutex_t mutex;
	atomic_uint entered, alone;
};

static int add_one(struct bounded_call *b, void *arg)
{
	struct owner *o = arg;
	int *number;

	pthread_mutex_lock(&o->mutex);
	number = bounded_call_enter(b);
	if (number)
		++*number;
	atomic_fetch_add(number ? &o->entered : &o->alone, 1);
	pthread_mutex_unlock(&o->mutex);
	return number ? 7 : 8;
}

static void test_it_is_made(void **state)
{
	struct owner o = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct bounded_call *b = bounded_call_new("test", &o);
	int number = 1;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(bounded_call_run(b, DEADLINE_NONE, add_one, &number), 7);
	assert_int_equal(number, 4);
	assert_false(bounded_call_is_stuck(b));
	assert_true(bounded_call_free(b));
	assert_int_equal(o.entered, 3);
}

/* However late its thread gets to run: who had not begun in time is not made at all. */
static void give_one_up(struct bounded_call *b, int *number)
{
	do {
		assert_int_equal(
			bounded_call_run(b, in_ms(5), add_one, number), ERR_TIMEOUT);
	} while (!bounded_call_is_stuck(b));
}

static void test_it_is_given_up(void **state)
{
	struct owner o = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct bounded_call *b = bounded_call_new("test", &o);
	int number = 1;

	(void)state;
	pthread_mutex_lock(&o.mutex);
	give_one_up(b, &number);
	/* The next one waits for it, and not for longer than it wants to. */
	assert_int_equal(bounded_call_run(b, in_ms(5), add_one, &number), ERR_TIMEOUT);
	pthread_mutex_unlock(&o.mutex);
	/* What was given up finds nobody, and then the thread is free again. */
	assert_int_equal(bounded_call_run(b, DEADLINE_NONE, add_one, &number), 7);
	assert_int_equal(number, 2);
	assert_int_equal(o.alone, 1);
	assert_true(bounded_call_free(b));
}

static int take_a_while(struct bounded_call *b, void *owner)
{
	int *number = bounded_call_enter(b);

	(void)owner;
	if (!number)
		return 0; /* given up just before */
	usleep(50000);
	*number = 9;
	return 0;
}

/* Given up before or after its thread has looked at it: the next one is made. */
static void test_in_no_time(void **state)
{
	struct owner o = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct bounded_call *b = bounded_call_new("test", &o);
	int number = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		int rc = bounded_call_run(b, 0, add_one, &number);

		assert_true(rc == ERR_TIMEOUT || rc == 7);
		assert_int_equal(bounded_call_run(b, DEADLINE_NONE, add_one, &number), 7);
	}
	assert_int_equal(number, o.entered);
	assert_true(bounded_call_free(b));
}

/* Once it has begun, it is waited for to its end. */
static void test_a_long_one(void **state)
{
	struct bounded_call *b = bounded_call_new("test", NULL);
	int number = 0, rc;

	(void)state;
	do {
		rc = bounded_call_run(b, in_ms(20), take_a_while, &number);
	} while (rc == ERR_TIMEOUT); /* it did not enter in time */
	assert_int_equal(rc, 0);
	assert_int_equal(number, 9);
	assert_true(bounded_call_free(b));
}

static void *call_often(void *arg)
{
	static int sum[2];

	for (int i = 0; i < 200; i++)
		if (bounded_call_run(arg, DEADLINE_NONE, add_one, &sum[0]) != 7)
			return NULL;
	return sum;
}

static void test_several_threads(void **state)
{
	struct owner o = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct bounded_call *b = bounded_call_new("test", &o);
	pthread_t threads[3];
	void *sum;

	(void)state;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, call_often, b);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &sum);
		assert_non_null(sum);
	}
	assert_int_equal(*(int *)sum, 600);
	assert_true(bounded_call_free(b));
}

/* It still waits when all is to end: that is left as it is. */
static void test_it_waits_for_ever(void **state)
{
	static struct owner o = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	static struct bounded_call *b; /* no leak */
	int number = 0;

	(void)state;
	b = bounded_call_new("test", &o);
	pthread_mutex_lock(&o.mutex);
	give_one_up(b, &number);
	assert_false(bounded_call_free(b));
	pthread_mutex_unlock(&o.mutex);
	AWAIT(atomic_load(&o.alone));
	assert_int_equal(number, 0);
}

static void test_none_was_made(void **state)
{
	(void)state;
	assert_true(bounded_call_free(bounded_call_new("test", NULL)));
	assert_true(bounded_call_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_made),
		cmocka_unit_test(test_it_is_given_up),
		cmocka_unit_test(test_in_no_time),
		cmocka_unit_test(test_a_long_one),
		cmocka_unit_test(test_several_threads),
		cmocka_unit_test(test_it_waits_for_ever),
		cmocka_unit_test(test_none_was_made),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
