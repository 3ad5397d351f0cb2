/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/wait.h>
#include <signal.h>

#include "cache/write/writer.h"
#include "cache/meta/eviction.h"
#include "unit/cache_samples.h"

static int setup(void **state)
{
	*state = sample_directory();
	return 0;
}

static int teardown(void **state)
{
	sample_remove(*state);
	return 0;
}

static void test_draws_from_the_lease(void **state)
{
	struct ledger l;
	struct ledger_view v;

	(void)state;
	ledger_init(&l);
	ledger_settle(&l, 0, 1000);
	assert_int_equal(ledger_reserve(&l, NULL, 600), 0);
	assert_int_equal(ledger_reserve(&l, NULL, 400), 0);
	ledger_cancel(&l, 400);
	v = ledger_view(&l);
	assert_int_equal(v.leased, 1000);
	assert_int_equal(v.used, 600);
	/* What became resident is neither used nor leased any more. */
	ledger_settle(&l, 600, 400);
	v = ledger_view(&l);
	assert_int_equal(v.used, 0);
	assert_int_equal(v.leased, 400);
	assert_int_equal(ledger_shrink(&l), 0);
	/* Denied for a while, without asking. */
	ledger_deny(&l);
	assert_int_equal(ledger_reserve(&l, NULL, 1), ERR_NO_SPACE);
	ledger_release(&l);
}

static uint64_t lease_of(struct cache *c, uint64_t *sum)
{
	struct room r = {0};
	uint64_t own = 0;
	MDB_txn *txn;

	assert_int_equal(metadata_read(c->metadata, &txn), 0);
	assert_int_equal(room_begin(&r, c, txn), 0);
	lease_get(c->metadata, txn, c->directory.user, &own);
	*sum = r.leases;
	metadata_read_end(c->metadata, txn);
	room_release(&r);
	return own;
}

static void test_lease_is_recorded_and_given_back(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(64) << 20);
	struct ledger_view v;
	uint64_t sum;

	assert_int_equal(ledger_reserve(&c->ledger, c->committer, 1000), 0);
	v = ledger_view(&c->ledger);
	assert_true(v.leased >= 1000);
	assert_int_equal(lease_of(c, &sum), v.leased);
	assert_int_equal(sum, v.leased);
	ledger_cancel(&c->ledger, 1000);
	/* Idle, it goes after a second or two. */
	for (int i = 0; i < 300 && lease_of(c, &sum); i++)
		usleep(20000);
	assert_int_equal(lease_of(c, &sum), 0);
	assert_int_equal(ledger_reserve(&c->ledger, c->committer, 1000), 0);
	ledger_cancel(&c->ledger, 1000);
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
		if (ledger_reserve(&c->ledger, c->committer, 4 << 20) ||
			write(out[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], &byte, 1), 1);
	c = sample_open(*state, UINT64_C(12) << 20);
	/* Both do not fit while it lives. */
	assert_int_equal(ledger_reserve(&c->ledger, c->committer, 6 << 20), ERR_NO_SPACE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	usleep(1100000);
	assert_int_equal(ledger_reserve(&c->ledger, c->committer, 6 << 20), 0);
	lease_of(c, &sum);
	assert_true(sum >= 6 << 20 && sum < 10 << 20);
	ledger_cancel(&c->ledger, 6 << 20);
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

		if (ledger_reserve(&t->cache->ledger, t->cache->committer, n)) {
			atomic_fetch_add(t->denied, 1);
			continue;
		}
		ledger_cancel(&t->cache->ledger, n);
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
	assert_int_equal(ledger_view(&c->ledger).used, 0);
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_from_the_lease),
		cmocka_unit_test_setup_teardown(
			test_lease_is_recorded_and_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_lease_of_a_dead_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_takers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
