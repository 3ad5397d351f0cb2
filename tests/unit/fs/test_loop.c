/* SPDX-License-Identifier: MIT */
/*
 * The loop with a libfuse of our own, whose device is a socket: a request is one letter,
 * 'b' one whose handler is blocked until the test lets it go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/loop.h"
#include "util/error.h"
#include "util/thread.h"
#include "unit/await.h"

#define PATIENCE 120000 /* ms */
#define MANY 20000

struct fuse_session {
	int device, kernel;
	atomic_bool exited;
	pthread_mutex_t session_mtx; /* the fields below */
	pthread_cond_t changed_cond;
	unsigned blocked, done;
	bool gate_open;
	pthread_t last;	    /* who dealt with the last request */
	unsigned moves;	    /* from one thread to another */
	atomic_int need;    /* what receiving gives; 0: a request */
	atomic_uint wanted; /* received in vain, in need */
};

static atomic_bool no_threads;

/* In the place of util's. */
int thread_start(pthread_t *out, const char *name, void *(*run_it)(void *arg), void *arg)
{
	(void)name;
	if (atomic_load(&no_threads))
		return ERR_NO_THREADS;
	return pthread_create(out, NULL, run_it, arg) ? ERR_NO_THREADS : 0;
}

int fuse_session_fd(struct fuse_session *se)
{
	return se->device;
}

int fuse_session_exited(struct fuse_session *se)
{
	return atomic_load(&se->exited);
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	int need = atomic_load(&se->need);
	ssize_t n;

	if (need) {
		atomic_fetch_add(&se->wanted, 1);
		return -need;
	}
	if (!buf->mem)
		buf->mem = malloc(1);
	n = recv(se->device, buf->mem, 1, 0);
	return n < 0 ? -errno : (int)n;
}

void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
	pthread_mutex_lock(&se->session_mtx);
	if (se->done && !pthread_equal(se->last, pthread_self()))
		se->moves++;
	se->last = pthread_self();
	if (*(const char *)buf->mem == 'b') {
		se->blocked++;
		pthread_cond_broadcast(&se->changed_cond);
		while (!se->gate_open)
			pthread_cond_wait(&se->changed_cond, &se->session_mtx);
	}
	se->done++;
	pthread_cond_broadcast(&se->changed_cond);
	pthread_mutex_unlock(&se->session_mtx);
}

/* ---- the kernel ---- */

static void send_requests(struct fuse_session *se, char kind, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(send(se->kernel, &kind, 1, 0), 1);
}

static void wait_for(struct fuse_session *se, const unsigned *field, unsigned value)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE / 1000;
	pthread_mutex_lock(&se->session_mtx);
	while (*field < value)
		assert_int_equal(
			pthread_cond_timedwait(&se->changed_cond, &se->session_mtx, &end),
			0);
	pthread_mutex_unlock(&se->session_mtx);
}

static void open_gate(struct fuse_session *se)
{
	pthread_mutex_lock(&se->session_mtx);
	se->gate_open = true;
	pthread_cond_broadcast(&se->changed_cond);
	pthread_mutex_unlock(&se->session_mtx);
}

static void *run(void *arg)
{
	return (void *)(intptr_t)loop_run(arg);
}

static pthread_t start(struct fuse_session *se)
{
	int ends[2];
	pthread_t thread;

	*se = (struct fuse_session){0};
	pthread_mutex_init(&se->session_mtx, NULL);
	pthread_cond_init(&se->changed_cond, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	se->device = ends[0];
	se->kernel = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, run, se), 0);
	return thread;
}

static void join(struct fuse_session *se, pthread_t thread)
{
	void *result;

	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	close(se->device);
	pthread_cond_destroy(&se->changed_cond);
	pthread_mutex_destroy(&se->session_mtx);
}

/* Unmounting is the end of the device. */
static void unmount(struct fuse_session *se, pthread_t thread)
{
	close(se->kernel);
	join(se, thread);
}

/* ---- tests ---- */

static void test_serves_until_unmounted(void **state)
{
	struct fuse_session se;
	pthread_t thread = start(&se);

	(void)state;
	send_requests(&se, 'a', MANY);
	wait_for(&se, &se.done, MANY);
	unmount(&se, thread);
	assert_int_equal(se.done, MANY);
}

static void test_a_stream_stays_on_one_thread(void **state)
{
	struct fuse_session se;
	pthread_t thread = start(&se);

	(void)state;
	for (unsigned i = 1; i <= 1000; i++) {
		send_requests(&se, 'a', 1);
		wait_for(&se, &se.done, i);
	}
	unmount(&se, thread);
	/* A busy machine may make some requests look slow. */
	assert_in_range(se.moves, 0, 500);
}

static void test_nobody_waits_for_one_that_is_stuck(void **state)
{
	struct fuse_session se;
	pthread_t thread = start(&se);

	(void)state;
	for (unsigned i = 1; i <= 9; i++) {
		send_requests(&se, 'b', 1);
		wait_for(&se, &se.blocked, i);
	}
	send_requests(&se, 'a', 100);
	wait_for(&se, &se.done, 100);
	open_gate(&se);
	wait_for(&se, &se.done, 109);
	unmount(&se, thread);
}

static void test_all_stuck_is_not_the_end(void **state)
{
	struct fuse_session se;
	pthread_t thread = start(&se);

	(void)state;
	send_requests(&se, 'b', 30);
	wait_for(&se, &se.blocked, 10);
	open_gate(&se);
	wait_for(&se, &se.done, 30);
	send_requests(&se, 'a', 100);
	wait_for(&se, &se.done, 130);
	unmount(&se, thread);
}

static void wait_in_need(struct fuse_session *se, unsigned times)
{
	unsigned before = atomic_load(&se->wanted);

	while (atomic_load(&se->wanted) - before < times)
		usleep(1000);
}

/* As when no memory is left for a request, in libfuse or in the kernel. */
static void test_need_is_waited_out(void **state)
{
	static const int needs[] = {ENOMEM, ENOBUFS, EMFILE, 9999};
	struct fuse_session se;
	pthread_t thread = start(&se);
	unsigned done = 0;

	(void)state;
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		atomic_store(&se.need, needs[i]);
		send_requests(&se, 'a', 50);
		wait_in_need(&se, 5);
		atomic_store(&se.need, 0);
		wait_for(&se, &se.done, done += 50);
	}
	unmount(&se, thread);
}

static void test_what_breaks_it_off_ends_it(void **state)
{
	static const int ends[] = {ECONNABORTED, EBADF, EINVAL, EPERM, EIO};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct fuse_session se;
		pthread_t thread = start(&se);
		void *result;

		atomic_store(&se.need, ends[i]);
		send_requests(&se, 'a', 1);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_int_equal((intptr_t)result, ERR_IO);
		close(se.kernel);
		close(se.device);
	}
}

static void test_goes_on_with_fewer_threads(void **state)
{
	struct fuse_session se;
	pthread_t thread = start(&se);

	(void)state;
	send_requests(&se, 'a', 1);
	wait_for(&se, &se.done, 1);
	atomic_store(&no_threads, true);
	send_requests(&se, 'b', 1);
	wait_for(&se, &se.blocked, 1);
	send_requests(&se, 'a', 100);
	open_gate(&se);
	wait_for(&se, &se.done, 102);
	unmount(&se, thread);
	atomic_store(&no_threads, false);
}

static void test_without_a_thread_it_does_not_begin(void **state)
{
	struct fuse_session se;
	pthread_t thread;
	void *result;

	(void)state;
	atomic_store(&no_threads, true);
	thread = start(&se);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((intptr_t)result, ERR_NO_THREADS);
	atomic_store(&no_threads, false);
	close(se.kernel);
	close(se.device);
}

static struct fuse_session *signalled;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&signalled->exited, true);
}

static void end_by_signal(int need)
{
	struct fuse_session se;
	pthread_t thread = start(&se);
	struct sigaction action = {.sa_handler = on_signal}, before;

	signalled = &se;
	sigaction(SIGUSR1, &action, &before);
	send_requests(&se, 'a', 1);
	wait_for(&se, &se.done, 1);
	atomic_store(&se.need, need);
	send_requests(&se, 'a', 1);
	if (need)
		wait_in_need(&se, 1);
	pthread_kill(thread, SIGUSR1);
	join(&se, thread);
	close(se.kernel);
	sigaction(SIGUSR1, &before, NULL);
	signalled = NULL;
}

static void test_a_signal_ends_it(void **state)
{
	(void)state;
	end_by_signal(0);
	end_by_signal(ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves_until_unmounted),
		cmocka_unit_test(test_a_stream_stays_on_one_thread),
		cmocka_unit_test(test_nobody_waits_for_one_that_is_stuck),
		cmocka_unit_test(test_all_stuck_is_not_the_end),
		cmocka_unit_test(test_need_is_waited_out),
		cmocka_unit_test(test_what_breaks_it_off_ends_it),
		cmocka_unit_test(test_goes_on_with_fewer_threads),
		cmocka_unit_test(test_without_a_thread_it_does_not_begin),
		cmocka_unit_test(test_a_signal_ends_it),
	};

	alarm(120);
	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
