/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "util/clock.h"
#include "util/timed_wait.h"
#include "unit/await.h"

#define WAIT_MS 20
#define LONG_MS 20000

struct signalled {
	pthread_mutex_t mtx;
	pthread_cond_t cond;
	bool done; /* mtx */
};

static void *signal_it(void *arg)
{
	struct signalled *s = arg;

	pthread_mutex_lock(&s->mtx);
	s->done = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mtx);
	return NULL;
}

static void test_time_is_up(void **state)
{
	struct signalled s = {.mtx = PTHREAD_MUTEX_INITIALIZER};
	int64_t start = clock_monotonic();

	(void)state;
	timed_wait_init(&s.cond);
	pthread_mutex_lock(&s.mtx);
	while (timed_wait(&s.cond, &s.mtx, WAIT_MS))
		;
	pthread_mutex_unlock(&s.mtx);
	assert_true(clock_monotonic() - start >= WAIT_MS * NS_PER_MS);
	pthread_cond_destroy(&s.cond);
}

static void test_signalled(void **state)
{
	struct signalled s = {.mtx = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;
	bool in_time = true;

	(void)state;
	timed_wait_init(&s.cond);
	pthread_mutex_lock(&s.mtx);
	assert_int_equal(pthread_create(&thread, NULL, signal_it, &s), 0);
	while (!s.done && in_time)
		in_time = timed_wait(&s.cond, &s.mtx, LONG_MS);
	pthread_mutex_unlock(&s.mtx);
	assert_true(in_time);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&s.cond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_is_up),
		cmocka_unit_test(test_signalled),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
