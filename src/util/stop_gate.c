/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "util/clock.h"
#include "util/stop_gate.h"

/* Bits of the state, and above them the number of those who are within. */
#define STOPPING                                                                           \
	1u	  /* whoever set it stops the process; nobody is within, nobody enters     \
		   */
#define WANTED 2u /* the last to leave stops the process */
#define ONE 4u

#define NAP NS_PER_MS /* of who would enter while the process is about to stop */

static atomic_uint gate_state; /* by handlers, too */
static pthread_once_t gate_once = PTHREAD_ONCE_INIT;

static void on_stop(int number);

static void gate_handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

/* STOPPING is ours. Does what the signal does by itself: where nobody could continue us
 * (setpgid(2), orphaned groups), nothing. Async-signal-safe, as all from here on. */
static void stop_now(void)
{
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	gate_handle(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, &before); /* here it stops, if it was blocked */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	gate_handle(SIGTSTP, on_stop);
	atomic_store(&gate_state, 0);
}

static void on_stop(int number)
{
	unsigned state = atomic_load(&gate_state), next;
	int error = errno;

	(void)number;
	do {
		if (state & STOPPING)
			return; /* it is about to */
		next = state ? state | WANTED : STOPPING;
	} while (!atomic_compare_exchange_weak(&gate_state, &state, next));
	if (next == STOPPING)
		stop_now();
	errno = error;
}

/* Whoever says so wants no stop that was put off until now. */
static void on_continue(int number)
{
	(void)number;
	atomic_fetch_and(&gate_state, ~WANTED);
}

static bool is_default(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

static void gate_install(void)
{
	if (!is_default(SIGTSTP))
		return;
	if (is_default(SIGCONT))
		gate_handle(SIGCONT, on_continue);
	gate_handle(SIGTSTP, on_stop);
}

static unsigned await_end_of_stop(void)
{
	const struct timespec nap = {.tv_nsec = NAP};
	unsigned state = atomic_load(&gate_state);

	while (state & STOPPING) {
		nanosleep(&nap, NULL);
		state = atomic_load(&gate_state);
	}
	return state;
}

void stop_gate_enter(void)
{
	unsigned state;

	pthread_once(&gate_once, gate_install);
	do
		state = await_end_of_stop();
	while (!atomic_compare_exchange_weak(&gate_state, &state, state + ONE));
}

void stop_gate_leave(void)
{
	unsigned state = atomic_load(&gate_state), next;

	do {
		next = state - ONE;
		if (next == WANTED)
			next = STOPPING;
	} while (!atomic_compare_exchange_weak(&gate_state, &state, next));
	if (next == STOPPING)
		stop_now();
}
