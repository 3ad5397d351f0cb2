/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/thread.h"
#include "unit/await.h"

static void *note_signals(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
	return NULL;
}

static void test_has_all_signals_blocked(void **state)
{
	sigset_t before, within, after;
	pthread_t thread;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start(&thread, "a-thread", note_signals, &within), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int number = 1; number < 32; number++)
		if (number != SIGKILL && number != SIGSTOP)
			assert_int_equal(sigismember(&within, number), 1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

#ifndef __has_feature /* clang's */
#define __has_feature(x) 0
#endif

/* In a process that has no address space left for a stack. */
static void test_says_that_there_is_none(void **state)
{
	struct rlimit limit = {1u << 20, 1u << 20};
	pthread_t thread;
	sigset_t within;
	int status;
	pid_t child;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                       \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	skip(); /* they need address space themselves */
#endif
	child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_AS, &limit))
			_exit(2);
		_exit(thread_start(&thread, NULL, note_signals, &within) == ERR_NO_THREADS
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: libc keeps the stack of a thread that has ended for the next. */
		cmocka_unit_test(test_says_that_there_is_none),
		cmocka_unit_test(test_has_all_signals_blocked),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
