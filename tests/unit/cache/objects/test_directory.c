/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/objects/object_files.h"
#include "unit/meta_samples.h"

static void test_object_names(void **state)
{
	struct digest d = digest_of("x", 1), again;
	char name[OBJECT_NAME_SIZE], prefix[3];
	uint64_t instance = 0;

	(void)state;
	object_file_name(&d, UINT64_C(0x0123456789abcdef), name);
	assert_int_equal(strlen(name), 2 + 1 + 62 + 1 + 16);
	assert_string_equal(name + 66, "0123456789abcdef");
	snprintf(prefix, sizeof(prefix), "%.2s", name);
	assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance), 0);
	assert_true(digest_equal(&d, &again));
	assert_true(instance == UINT64_C(0x0123456789abcdef));
	/* Nothing else is taken for an object. */
	for (size_t i = 3; name[i]; i++) {
		char kept = name[i];

		name[i] = 'G';
		assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance),
			ERR_CORRUPT);
		name[i] = 0;
		assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance),
			ERR_CORRUPT);
		name[i] = kept;
	}
	assert_int_equal(object_file_parse("a", name + 3, &again, &instance), ERR_CORRUPT);
	assert_int_equal(object_file_parse("GG", name + 3, &again, &instance), ERR_CORRUPT);
}

static void test_objects(void **state)
{
	struct digest d = digest_of("x", 1);
	struct directory dir;
	int fd;

	assert_int_equal(directory_open(&dir, *state, NULL), 0);
	assert_int_equal(object_file_open(&dir, &d, 5, 1000, &fd), ERR_ABSENT);
	assert_int_equal(object_file_create(&dir, &d, 5, 1000, &fd), 0);
	close(fd);
	assert_int_equal(object_file_create(&dir, &d, 5, 1000, &fd), ERR_EXISTS);
	assert_int_equal(object_file_open(&dir, &d, 5, 1001, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_open(&dir, &d, 5, 1000, &fd), 0);
	close(fd);
	assert_int_equal(object_file_remove(&dir, &d, 5), 0);
	assert_int_equal(object_file_remove(&dir, &d, 5), 0);
	directory_close(&dir);
}

static void test_links_are_not_followed(void **state)
{
	char name[OBJECT_NAME_SIZE], path[512], prefix[512];
	struct digest d = digest_of("y", 1);
	struct directory dir;
	int fd;

	assert_int_equal(directory_open(&dir, *state, NULL), 0);
	object_file_name(&d, 6, name);
	snprintf(prefix, sizeof(prefix), "%s/objects/%.2s", (char *)*state, name);
	snprintf(path, sizeof(path), "%s/objects/%s", (char *)*state, name);
	assert_int_equal(mkdir(prefix, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(object_file_open(&dir, &d, 6, 1, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_create(&dir, &d, 6, 1, &fd), ERR_EXISTS);
	directory_close(&dir);
}

static void test_alone_and_last(void **state)
{
	struct directory one, two;

	assert_int_equal(directory_open(&one, *state, NULL), 0);
	assert_true(one.alone);
	directory_admit(&one);
	assert_int_equal(directory_open(&two, *state, NULL), 0);
	assert_false(two.alone);
	directory_admit(&two);
	assert_int_not_equal(one.user, two.user);
	assert_true(directory_user_lives(&one, two.user));
	assert_true(directory_user_lives(&two, one.user));
	assert_false(directory_is_last(&one));
	assert_true(directory_is_last(&two));
	directory_close(&two);
	assert_false(directory_user_lives(&one, two.user));
	directory_close(&one);
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
		if (directory_open(&dir, *state, NULL) ||
			write(out[1], &dir.user, sizeof(dir.user)) != sizeof(dir.user))
			_exit(1);
		directory_admit(&dir);
		pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], &user, sizeof(user)), sizeof(user));
	usleep(10000);
	assert_int_equal(directory_open(&dir, *state, NULL), 0);
	assert_true(directory_user_lives(&dir, user));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(directory_user_lives(&dir, user));
	snprintf(path, sizeof(path), "%s/users/%08x", (char *)*state, user);
	assert_int_not_equal(access(path, F_OK), 0);
	directory_close(&dir);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_names),
		SAMPLE_TEST(test_objects),
		SAMPLE_TEST(test_links_are_not_followed),
		SAMPLE_TEST(test_alone_and_last),
		SAMPLE_TEST(test_killed_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
