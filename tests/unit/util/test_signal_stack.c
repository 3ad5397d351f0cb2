/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "util/signal_stack.h"

static bool runs_on_it, is_kept;

static void look(int number)
{
	stack_t now = {.ss_flags = SS_DISABLE};

	(void)number;
	runs_on_it = sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_ONSTACK;
}

static void *run(void *arg)
{
	stack_t first = {.ss_flags = SS_DISABLE}, second = {.ss_flags = SS_DISABLE};

	signal_stack_give();
	sigaltstack(NULL, &first);
	raise(SIGUSR1);
	signal_stack_give();
	sigaltstack(NULL, &second);
	is_kept = second.ss_sp == first.ss_sp;
	return arg;
}

static void test_handlers_run_on_it(void **state)
{
	struct sigaction action = {.sa_flags = SA_ONSTACK, .sa_handler = look};
	pthread_t thread;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(runs_on_it);
	assert_true(is_kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handlers_run_on_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
