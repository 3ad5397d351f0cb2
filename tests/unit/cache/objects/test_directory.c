/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/objects/meta_directory.h"
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

/* Whatever it is that lies where a part of the cache should be, it is told, and not waited
 * for. */
static void test_parts_of_a_wrong_kind(void **state)
{
	static const char *const files[] = {"lock", "meta.lock"};
	static const char *const directories[] = {"objects", "users"};
	char path[512];

	for (size_t i = 0; i < 4; i++) {
		const char *name = i < 2 ? files[i] : directories[i - 2];
		struct trouble t = {.text = ""};
		struct directory dir;

		assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, NULL), 0);
		directory_close(&dir);
		snprintf(path, sizeof path, "rm -rf %s/%s", (char *)*state, name);
		assert_int_equal(system(path), 0);
		snprintf(path, sizeof path, "%s/%s", (char *)*state, name);
		assert_int_equal(i < 2 ? mkdir(path, 0700) : mkfifo(path, 0600), 0);
		assert_int_not_equal(directory_open(&dir, *state, DEADLINE_NONE, &t), 0);
		directory_close(&dir);
		assert_non_null(strstr(t.text, i < 2 ? "is not a regular file: move"
						     : "is not a directory: move"));
		assert_int_equal(remove(path), 0);
		/* Without it there is no cache. */
		assert_true(i != 0 || mknod(path, S_IFREG | 0600, 0) == 0);
	}
}

static void test_parts_of_metadata(void **state)
{
	struct trouble t = {.text = ""};
	struct directory dir;
	char *path, link[512];

	assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, NULL), 0);
	assert_int_equal(meta_directory_open(&dir, &path, NULL), 0);
	assert_int_equal(meta_directory_look(&dir, NULL), 0);
	snprintf(link, sizeof link, "%s/lock.mdb", path);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(meta_directory_look(&dir, NULL), ERR_CORRUPT);
	assert_false(meta_directory_is_damaged(&dir));
	dir.alone = false;
	assert_int_equal(meta_directory_look(&dir, NULL), ERR_CORRUPT);
	assert_true(meta_directory_is_damaged(&dir));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("elsewhere", link), 0);
	assert_int_equal(meta_directory_look(&dir, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "lock.mdb is a symbolic link"));
	free(path);
	directory_close(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_alone_and_last),
		SAMPLE_TEST(test_who_opens_is_stopped),
		SAMPLE_TEST(test_killed_user),
		SAMPLE_TEST(test_parts_of_a_wrong_kind),
		SAMPLE_TEST(test_parts_of_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
