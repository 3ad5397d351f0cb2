/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/file_lock.h"

static int64_t in_ms(int64_t ms)
{
	return clock_monotonic() + ms * NS_PER_MS;
}

#define NAME "/tmp/cairn-test-XXXXXX"

/* Two descriptors of one file, which flock(2) tells apart. `name` is NAME. */
static void open_two(int fds[2], char *name)
{
	fds[0] = mkstemp(name);
	assert_true(fds[0] >= 0);
	fds[1] = open(name, O_RDWR | O_CLOEXEC);
	assert_true(fds[1] >= 0);
}

static void test_shared_and_alone(void **state)
{
	char name[] = NAME;
	int fds[2];

	(void)state;
	open_two(fds, name);
	unlink(name);
	assert_int_equal(file_lock_take(fds[0], FILE_LOCK_SHARED, 0), 0);
	assert_int_equal(file_lock_take(fds[1], FILE_LOCK_SHARED, 0), 0);
	assert_int_equal(file_lock_take(fds[1], FILE_LOCK_ALONE, in_ms(5)), ERR_TIMEOUT);
	assert_int_equal(flock(fds[0], LOCK_UN), 0);
	assert_int_equal(file_lock_take(fds[1], FILE_LOCK_ALONE, 0), 0);
	assert_int_equal(file_lock_take(fds[0], FILE_LOCK_SHARED, in_ms(5)), ERR_TIMEOUT);
	assert_int_equal(file_lock_share(fds[1], 0), 0);
	assert_int_equal(file_lock_take(fds[0], FILE_LOCK_SHARED, 0), 0);
	close(fds[1]);
	assert_int_equal(file_lock_take(fds[0], FILE_LOCK_ALONE, DEADLINE_NONE), 0);
	file_lock_give(fds[0]);
	close(fds[0]);
}

static void test_no_file(void **state)
{
	(void)state;
	assert_int_equal(file_lock_take(-1, FILE_LOCK_ALONE, DEADLINE_NONE), ERR_IO);
}

/* A child that holds the lock: it is stopped, or only busy. */
static pid_t hold_in_child(int fd, bool stopped)
{
	int told[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		if (file_lock_take(fd, FILE_LOCK_ALONE, 0) || write(told[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fd);
	assert_int_equal(read(told[0], &byte, 1), 1);
	close(told[0]);
	close(told[1]);
	if (stopped) {
		kill(pid, SIGSTOP);
		assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	}
	return pid;
}

/* Whoever waits in vain is told for whom. */
static void see_blame(bool stopped)
{
	char text[FILE_LOCK_BLAME_SIZE], begin[FILE_LOCK_BLAME_SIZE];
	const char *end = stopped ? "which is stopped" : "which is busy";
	char name[] = NAME;
	int fds[2], status;
	pid_t pid;

	open_two(fds, name);
	pid = hold_in_child(fds[0], stopped);
	assert_int_equal(file_lock_take(fds[1], FILE_LOCK_ALONE, in_ms(20)), ERR_TIMEOUT);
	snprintf(begin, sizeof begin, "process %ld (", (long)pid);
	if (access("/proc/locks", R_OK) == 0) {
		assert_int_equal(file_lock_blame_stopped(name, text), stopped);
		assert_true(file_lock_blame(name, text));
		assert_memory_equal(text, begin, strlen(begin));
		assert_non_null(strstr(text, end));
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(file_lock_take(fds[1], FILE_LOCK_ALONE, DEADLINE_NONE), 0);
	assert_false(file_lock_blame(name, text));
	assert_string_equal(text, "another process, which is stopped or slow");
	unlink(name);
	close(fds[1]);
}

static void test_who_is_stopped(void **state)
{
	(void)state;
	see_blame(true);
}

static void test_who_is_busy(void **state)
{
	(void)state;
	see_blame(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_and_alone),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_who_is_stopped),
		cmocka_unit_test(test_who_is_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
