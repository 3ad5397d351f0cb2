/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/stop_child.h"
#include "util/stop_gate.h"
#include "util/thread.h"

/* Within the gate, twice over; is told to leave it; leaves it; comes again. */
static void enter_twice(struct stop_child *c, void *arg)
{
	(void)arg;
	stop_gate_enter();
	stop_gate_enter();
	stop_child_say(c);
	stop_child_listen(c);
	stop_gate_leave();
	stop_child_say(c);
	stop_child_listen(c);
	stop_gate_leave();
	stop_child_listen(c);
	stop_gate_enter();
	stop_gate_leave();
}

/* It goes on as long as it is within. */
static void stop_within(struct stop_child *c)
{
	stop_child_hear(c);
	kill(c->pid, SIGTSTP);
	stop_child_tell(c);
	stop_child_hear(c);
	stop_child_see_running(c);
}

static void test_ctrl_z_waits(void **state)
{
	struct stop_child c;

	(void)state;
	stop_child_start(&c, enter_twice, NULL);
	stop_within(&c);
	stop_child_tell(&c);
	stop_child_see_stopped(&c);
	stop_child_tell(&c);
	kill(c.pid, SIGCONT);
	stop_child_end(&c);
}

/* Nothing is held: at once, and again. */
static void test_ctrl_z_outside(void **state)
{
	struct stop_child c;

	(void)state;
	stop_child_start(&c, enter_twice, NULL);
	stop_child_hear(&c);
	stop_child_tell(&c);
	stop_child_hear(&c);
	stop_child_tell(&c);
	for (unsigned i = 0; i < 2; i++) {
		kill(c.pid, SIGTSTP);
		stop_child_see_stopped(&c);
		kill(c.pid, SIGCONT);
	}
	stop_child_tell(&c);
	stop_child_end(&c);
}

/* A stop that was put off until somebody wanted the process to go on. */
static void test_continued_meanwhile(void **state)
{
	struct stop_child c;

	(void)state;
	stop_child_start(&c, enter_twice, NULL);
	stop_within(&c);
	kill(c.pid, SIGCONT);
	stop_child_tell(&c);
	stop_child_tell(&c);
	stop_child_end(&c);
}

static void *enter_and_leave(void *arg)
{
	struct stop_child *c = arg;

	stop_gate_enter();
	stop_child_say(c);
	stop_child_listen(c);
	stop_gate_leave();
	return NULL;
}

static void enter_on_thread(struct stop_child *c, void *arg)
{
	pthread_t thread;

	(void)arg;
	if (thread_start(&thread, NULL, enter_and_leave, c))
		_exit(1);
	pthread_join(thread, NULL);
}

/* With all signals blocked, as ours have them. */
static void test_on_another_thread(void **state)
{
	struct stop_child c;

	(void)state;
	stop_child_start(&c, enter_on_thread, NULL);
	stop_child_hear(&c);
	kill(c.pid, SIGTSTP);
	stop_child_tell(&c);
	stop_child_see_stopped(&c);
	kill(c.pid, SIGCONT);
	stop_child_end(&c);
}

static void enter_where_ignored(struct stop_child *c, void *arg)
{
	(void)arg;
	signal(SIGTSTP, SIG_IGN);
	enter_twice(c, NULL);
}

static void test_ignored_it_stays(void **state)
{
	struct stop_child c;

	(void)state;
	stop_child_start(&c, enter_where_ignored, NULL);
	stop_within(&c);
	stop_child_tell(&c);
	stop_child_tell(&c);
	stop_child_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ctrl_z_waits),
		cmocka_unit_test(test_ctrl_z_outside),
		cmocka_unit_test(test_continued_meanwhile),
		cmocka_unit_test(test_on_another_thread),
		cmocka_unit_test(test_ignored_it_stays),
	};

	stop_child_heed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
