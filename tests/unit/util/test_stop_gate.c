/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/stop_gate.h"
#include "unit/await.h"

/* A child that a terminal's Ctrl-Z would reach: in a process group of its own, and not in
 * an orphaned one, which no terminal stops. */
struct child {
	pid_t pid;
	int told[2], tells[2];
};

static void child_say(struct child *c)
{
	char byte = 0;

	if (write(c->tells[1], &byte, 1) != 1)
		_exit(2);
}

static void child_listen(struct child *c)
{
	char byte;

	if (read(c->told[0], &byte, 1) != 1)
		_exit(3);
}

/* Within the gate, twice over; is told to leave it; leaves it. */
static void child_run(struct child *c)
{
	struct stop_gate *g;

	setpgid(0, 0);
	signal(SIGTSTP, SIG_DFL);
	g = stop_gate_new();
	if (!g)
		_exit(1);
	stop_gate_enter(g);
	stop_gate_enter(g);
	child_say(c);
	child_listen(c);
	stop_gate_leave(g);
	child_say(c);
	child_listen(c);
	stop_gate_leave(g);
	child_listen(c);
	stop_gate_enter(g);
	stop_gate_leave(g);
	stop_gate_free(g);
	_exit(0);
}

static void child_start(struct child *c)
{
	assert_int_equal(pipe(c->told), 0);
	assert_int_equal(pipe(c->tells), 0);
	c->pid = fork();
	if (c->pid == 0) {
		close(c->told[1]);
		child_run(c);
	}
	close(c->told[0]);
	close(c->tells[1]);
}

static void hear(struct child *c)
{
	char byte;

	assert_int_equal(read(c->tells[0], &byte, 1), 1);
}

static void tell(struct child *c)
{
	assert_int_equal(write(c->told[1], "", 1), 1);
}

static void test_ctrl_z_waits(void **state)
{
	struct child c;
	int status;

	(void)state;
	child_start(&c);
	hear(&c);
	kill(c.pid, SIGTSTP);
	/* It goes on as long as it is within. */
	tell(&c);
	hear(&c);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED | WNOHANG), 0);
	tell(&c);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGTSTP);
	tell(&c);
	kill(c.pid, SIGCONT);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(c.told[1]);
	close(c.tells[0]);
}

/* Nothing is held: at once. */
static void test_ctrl_z_outside(void **state)
{
	struct child c;
	int status;

	(void)state;
	child_start(&c);
	hear(&c);
	tell(&c);
	hear(&c);
	tell(&c);
	kill(c.pid, SIGTSTP);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	kill(c.pid, SIGCONT);
	tell(&c);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_int_equal(status, 0);
	close(c.told[1]);
	close(c.tells[0]);
}

static bool is_blocked(void)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGTSTP);
}

static void test_afterwards_it_is_as_before(void **state)
{
	struct stop_gate *g = stop_gate_new();

	(void)state;
	assert_non_null(g);
	assert_true(is_blocked());
	stop_gate_free(g);
	assert_false(is_blocked());
	/* None is fine. */
	stop_gate_enter(NULL);
	stop_gate_leave(NULL);
	stop_gate_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ctrl_z_waits),
		cmocka_unit_test(test_ctrl_z_outside),
		cmocka_unit_test(test_afterwards_it_is_as_before),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
