/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/wait.h>
#include <signal.h>

#include "cache/write/writer.h"
#include "cache/meta/space.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

static uint64_t lease_of(struct cache *c, uint64_t *sum)
{
	struct space space;

	assert_int_equal(space_look(c->metadata, 0, &space), 0);
	*sum = space.leases;
	return books_lease(c->metadata, c->directory.user);
}

static void test_lease_is_recorded_and_given_back(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(64) << 20);
	struct reservation_view v;
	uint64_t sum;

	assert_int_equal(write_queue_reserve(c->queue, 1000), 0);
	v = reservation_view(write_queue_reservation(c->queue));
	assert_true(v.leased >= 1000);
	assert_int_equal(lease_of(c, &sum), v.leased);
	assert_int_equal(sum, v.leased);
	reservation_cancel(write_queue_reservation(c->queue), 1000);
	/* Idle, it goes after a second or two. */
	AWAIT(lease_of(c, &sum) == 0);
	assert_int_equal(write_queue_reserve(c->queue, 1000), 0);
	reservation_cancel(write_queue_reservation(c->queue), 1000);
	cache_close(c);
	c = sample_open(*state, UINT64_C(64) << 20);
	assert_int_equal(lease_of(c, &sum), 0);
	assert_int_equal(sum, 0);
	cache_close(c);
}

static void test_lease_of_a_dead_process(void **state)
{
	struct cache *c;
	uint64_t sum;
	int out[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		c = sample_open_in_child(*state, UINT64_C(12) << 20);
		if (write_queue_reserve(c->queue, 4 << 20) || write(out[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], &byte, 1), 1);
	c = sample_open(*state, UINT64_C(12) << 20);
	/* Both do not fit while it lives. */
	assert_int_equal(write_queue_reserve(c->queue, 6 << 20), ERR_NO_SPACE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Noticed within about a second. */
	AWAIT(write_queue_reserve(c->queue, 6 << 20) == 0);
	lease_of(c, &sum);
	assert_true(sum >= 6 << 20 && sum < 10 << 20);
	reservation_cancel(write_queue_reservation(c->queue), 6 << 20);
	cache_close(c);
	close(out[0]);
	close(out[1]);
}

struct taker {
	struct cache *cache;
	atomic_uint *denied;
	unsigned seed;
};

static void *take_and_cancel(void *arg)
{
	struct taker *t = arg;

	for (unsigned i = 0; i < 300; i++) {
		uint64_t n = (uint64_t)rand_r(&t->seed) % (3 << 20) + 1;

		if (write_queue_reserve(t->cache->queue, n)) {
			atomic_fetch_add(t->denied, 1);
			continue;
		}
		reservation_cancel(write_queue_reservation(t->cache->queue), n);
	}
	return NULL;
}

/* Nobody is left waiting, whoever takes what another one asked for. */
static void test_many_takers(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(256) << 20);
	struct taker takers[6];
	pthread_t threads[6];
	atomic_uint denied = 0;

	for (unsigned i = 0; i < 6; i++) {
		takers[i] = (struct taker){c, &denied, i + 1};
		pthread_create(&threads[i], NULL, take_and_cancel, &takers[i]);
	}
	for (unsigned i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(denied, 0);
	assert_int_equal(reservation_view(write_queue_reservation(c->queue)).used, 0);
	cache_close(c);
}

/* What is asked for in advance does not fit, and nothing can be thrown out: what is waited
 * for fits. */
static void test_much_is_pinned(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(20) << 20);

	for (unsigned i = 0; i < 13; i++) {
		struct sample s = sample_make(600 + i, 16);

		assert_int_equal(cache_pin(c, "much", &s.id), 0);
		sample_put_all(c, &s);
		sample_release(&s);
	}
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(write_queue_reserve(c->queue, 1 << 20), 0);
	reservation_cancel(write_queue_reservation(c->queue), 1 << 20);
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_much_is_pinned),
		SAMPLE_TEST(test_lease_is_recorded_and_given_back),
		SAMPLE_TEST(test_lease_of_a_dead_process),
		SAMPLE_TEST(test_many_takers),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
