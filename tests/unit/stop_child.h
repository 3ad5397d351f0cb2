/* SPDX-License-Identifier: MIT */
/*
 * A child that a terminal's Ctrl-Z would reach: in a process group of its own, and not in
 * an orphaned one, which no terminal stops. It takes turns with the test. Included after
 * cmocka.h's.
 */
#ifndef CAIRN_UNIT_STOP_CHILD_H
#define CAIRN_UNIT_STOP_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

struct stop_child {
	pid_t pid;
	int told[2], tells[2];
};

static inline void stop_child_say(struct stop_child *c)
{
	char byte = 0;

	if (write(c->tells[1], &byte, 1) != 1)
		_exit(2);
}

static inline void stop_child_listen(struct stop_child *c)
{
	char byte;

	if (read(c->told[0], &byte, 1) != 1)
		_exit(3);
}

/* For main(), before anything enters the gate: whoever started the test may have the
 * signal ignored. */
static inline void stop_child_heed(void)
{
	signal(SIGTSTP, SIG_DFL);
}

static inline void stop_child_start(
	struct stop_child *c, void (*run)(struct stop_child *c, void *arg), void *arg)
{
	assert_int_equal(pipe(c->told), 0);
	assert_int_equal(pipe(c->tells), 0);
	c->pid = fork();
	if (c->pid == 0) {
		close(c->told[1]);
		setpgid(0, 0);
		run(c, arg);
		_exit(0);
	}
	close(c->told[0]);
	close(c->tells[1]);
}

static inline void stop_child_hear(struct stop_child *c)
{
	char byte;

	assert_int_equal(read(c->tells[0], &byte, 1), 1);
}

static inline void stop_child_tell(struct stop_child *c)
{
	assert_int_equal(write(c->told[1], "", 1), 1);
}

/* Waited for. */
static inline void stop_child_see_stopped(struct stop_child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, WUNTRACED), c->pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGTSTP);
}

static inline void stop_child_see_running(struct stop_child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, WUNTRACED | WNOHANG), 0);
}

static inline void stop_child_end(struct stop_child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_int_equal(status, 0);
	close(c->told[1]);
	close(c->tells[0]);
}

#endif
