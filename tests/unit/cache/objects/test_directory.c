/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/objects/directory.h"
#include "unit/meta_samples.h"

static void test_alone_and_last(void **state)
{
	struct directory one, two;

	assert_int_equal(directory_open(&one, *state, DEADLINE_NONE, NULL), 0);
	assert_true(one.alone);
	assert_int_equal(directory_admit(&one, DEADLINE_NONE, NULL), 0);
	assert_int_equal(directory_open(&two, *state, DEADLINE_NONE, NULL), 0);
	assert_false(two.alone);
	assert_int_equal(directory_admit(&two, DEADLINE_NONE, NULL), 0);
	assert_int_not_equal(one.user, two.user);
	assert_true(directory_user_lives(&one, two.user));
	assert_true(directory_user_lives(&two, one.user));
	assert_false(directory_is_last(&one));
	assert_true(directory_is_last(&two));
	directory_close(&two);
	assert_false(directory_user_lives(&one, two.user));
	directory_close(&one);
}

/* One that keeps others out is stopped: who comes gives up, and says who it is. */
static void test_who_opens_is_stopped(void **state)
{
	struct directory dir;
	struct trouble t = {0};
	char holder[FILE_LOCK_BLAME_SIZE];
	int out[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		if (directory_open(&dir, *state, DEADLINE_NONE, NULL) || !dir.alone ||
			write(out[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], &byte, 1), 1);
	kill(pid, SIGSTOP);
	assert_int_equal(
		directory_open(&dir, *state, clock_monotonic() + 20 * NS_PER_MS, &t),
		ERR_TIMEOUT);
	directory_close(&dir);
	assert_non_null(strstr(t.text, "it is held by"));
	snprintf(holder, sizeof holder, "process %ld (", (long)pid);
	if (access("/proc/locks", R_OK) == 0)
		assert_non_null(strstr(t.text, holder));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, &t), 0);
	assert_true(dir.alone);
	directory_close(&dir);
	close(out[0]);
	close(out[1]);
}

static void test_killed_user(void **state)
{
	struct directory dir;
	char path[512];
	uint32_t user = 0;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		if (directory_open(&dir, *state, DEADLINE_NONE, NULL) ||
			write(out[1], &dir.user, sizeof dir.user) != sizeof dir.user)
			_exit(1);
		directory_admit(&dir, DEADLINE_NONE, NULL);
		pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], &user, sizeof user), sizeof user);
	usleep(10000);
	assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, NULL), 0);
	assert_true(directory_user_lives(&dir, user));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(directory_user_lives(&dir, user));
	snprintf(path, sizeof path, "%s/users/%08x", (char *)*state, user);
	assert_int_not_equal(access(path, F_OK), 0);
	directory_close(&dir);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_alone_and_last),
		SAMPLE_TEST(test_who_opens_is_stopped),
		SAMPLE_TEST(test_killed_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
