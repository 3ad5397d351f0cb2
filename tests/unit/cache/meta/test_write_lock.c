/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>

#include "cache/meta/write_lock.h"
#include "unit/await.h"
#include "unit/other_process.h"

static int try_open_lock(struct write_lock *l, const char *directory)
{
	char path[512];

	write_lock_init(l);
	snprintf(path, sizeof path, "%s/write.lock", directory);
	return write_lock_open(l, path);
}

static void open_lock(struct write_lock *l, const char *directory)
{
	assert_int_equal(try_open_lock(l, directory), 0);
}

static int64_t in_ms(int64_t ms)
{
	return clock_monotonic() + ms * NS_PER_MS;
}

static void test_take_and_give(void **state)
{
	struct write_lock l;

	open_lock(&l, *state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write_lock_take(&l, DEADLINE_NONE), 0);
		assert_int_equal(write_lock_take(&l, in_ms(-1)), ERR_TIMEOUT);
		write_lock_give(&l);
	}
	/* A deadline that is over is enough where nobody holds it. */
	assert_int_equal(write_lock_take(&l, in_ms(-1)), 0);
	write_lock_give(&l);
	write_lock_release(&l);
}

static void test_no_directory(void **state)
{
	struct write_lock l;

	(void)state;
	assert_int_not_equal(try_open_lock(&l, "/nowhere/at/all"), 0);
	write_lock_release(&l);
}

/* A `run`: pauses before it takes the lock, while it holds it, and after it gave it. */
static int hold_lock(struct other_process *p, const char *directory)
{
	struct write_lock l;

	if (try_open_lock(&l, directory))
		return 1;
	other_process_pause(p);
	if (write_lock_take(&l, DEADLINE_NONE))
		return 2;
	other_process_pause(p);
	write_lock_give(&l);
	other_process_pause(p);
	return 0;
}

static void test_another_process_holds_it(void **state)
{
	struct other_process other;
	struct write_lock l;
	int64_t deadline;

	other_process_start(&other, hold_lock, *state);
	open_lock(&l, *state);
	assert_int_equal(write_lock_take(&l, in_ms(-1)), 0);
	write_lock_give(&l);
	other_process_go_on(&other);
	deadline = in_ms(30);
	assert_int_equal(write_lock_take(&l, deadline), ERR_TIMEOUT);
	assert_true(clock_monotonic() >= deadline);
	/* It is nobody's turn here because of that. */
	assert_int_equal(write_lock_take(&l, in_ms(-1)), ERR_TIMEOUT);
	other_process_go_on(&other);
	assert_int_equal(write_lock_take(&l, in_ms(-1)), 0);
	write_lock_give(&l);
	assert_int_equal(other_process_finish(&other), 0);
	write_lock_release(&l);
}

/* Stopped, it is waited for no longer than by the deadline; dead, not at all. */
static void test_its_holder_is_stopped_and_dies(void **state)
{
	struct other_process other;
	struct write_lock l;

	other_process_start(&other, hold_lock, *state);
	open_lock(&l, *state);
	other_process_go_on(&other);
	kill(other.pid, SIGSTOP);
	assert_int_equal(write_lock_take(&l, in_ms(20)), ERR_TIMEOUT);
	other_process_kill(&other);
	assert_int_equal(write_lock_take(&l, DEADLINE_NONE), 0);
	write_lock_give(&l);
	write_lock_release(&l);
}

struct holder {
	struct write_lock *lock;
	atomic_bool holds, let_go;
	int rc;
};

static void *hold_until_told(void *arg)
{
	struct holder *h = arg;

	h->rc = write_lock_take(h->lock, DEADLINE_NONE);
	atomic_store(&h->holds, true);
	while (!atomic_load(&h->let_go))
		usleep(1000);
	write_lock_give(h->lock);
	return NULL;
}

static void test_another_thread_holds_it(void **state)
{
	struct write_lock l;
	struct holder h = {.lock = &l};
	pthread_t thread;
	int64_t deadline;

	open_lock(&l, *state);
	assert_int_equal(pthread_create(&thread, NULL, hold_until_told, &h), 0);
	while (!atomic_load(&h.holds))
		usleep(1000);
	assert_int_equal(h.rc, 0);
	deadline = in_ms(30);
	assert_int_equal(write_lock_take(&l, deadline), ERR_TIMEOUT);
	assert_true(clock_monotonic() >= deadline);
	atomic_store(&h.let_go, true);
	assert_int_equal(write_lock_take(&l, DEADLINE_NONE), 0);
	write_lock_give(&l);
	pthread_join(thread, NULL);
	write_lock_release(&l);
}

#define THREADS 4
#define TURNS 50

struct turns {
	struct write_lock *lock;
	unsigned *sum; /* under the lock */
	unsigned failed;
};

static void *take_turns(void *arg)
{
	struct turns *t = arg;

	for (unsigned i = 0; i < TURNS; i++) {
		if (write_lock_take(t->lock, DEADLINE_NONE)) {
			t->failed++;
			continue;
		}
		++*t->sum;
		write_lock_give(t->lock);
	}
	return NULL;
}

/* A `run`: takes the same turns with threads of its own. */
static int take_turns_too(struct other_process *p, const char *directory)
{
	struct write_lock l;
	unsigned sum = 0;
	struct turns t = {.lock = &l, .sum = &sum};

	if (try_open_lock(&l, directory))
		return 1;
	other_process_pause(p);
	take_turns(&t);
	return sum == TURNS ? 0 : 2;
}

/* Threads and processes, all of which want it again and again: all get it, one by one. */
static void test_all_get_it(void **state)
{
	struct other_process other;
	struct turns turns[THREADS];
	pthread_t threads[THREADS];
	struct write_lock l;
	unsigned sum = 0;

	other_process_start(&other, take_turns_too, *state);
	open_lock(&l, *state);
	other_process_tell(&other);
	for (unsigned i = 0; i < THREADS; i++) {
		turns[i] = (struct turns){&l, &sum, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, take_turns, &turns[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(turns[i].failed, 0);
	}
	assert_int_equal(sum, THREADS * TURNS);
	assert_int_equal(other_process_wait(&other), 0);
	write_lock_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_take_and_give),
		cmocka_unit_test(test_no_directory),
		SAMPLE_TEST(test_another_process_holds_it),
		SAMPLE_TEST(test_its_holder_is_stopped_and_dies),
		SAMPLE_TEST(test_another_thread_holds_it),
		SAMPLE_TEST(test_all_get_it),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
