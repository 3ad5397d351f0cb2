/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <signal.h>

#include "util/clock.h"
#include "util/cpu_watch.h"

static volatile sig_atomic_t heard;

static void hear(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	heard = info->si_code == SI_TIMER ? heard + 1 : -1000;
}

/* It is told more than once, and no more after the end. */
static void test_who_goes_round_is_told(void **state)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = hear};
	sig_atomic_t before;

	(void)state;
#ifndef __linux__
	print_message("skipped: this system has no timer of a thread's CPU\n");
	skip();
#endif
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	cpu_watch_begin(SIGUSR1, NS_PER_MS);
	while (heard >= 0 && heard < 2)
		;
	cpu_watch_end();
	before = heard;
	assert_true(before >= 2);
	for (volatile unsigned i = 0; i < 10000000; i++)
		;
	assert_int_equal(heard, before);
	cpu_watch_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_goes_round_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
