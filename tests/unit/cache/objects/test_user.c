/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>

#include "cache/objects/user.h"
#include "unit/meta_samples.h"

static int users_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_lives_until_it_leaves(void **state)
{
	int users = users_open(*state), first_fd, second_fd;
	uint32_t first, second;

	assert_int_equal(user_join(users, &first, &first_fd), 0);
	assert_int_equal(user_join(users, &second, &second_fd), 0);
	assert_int_not_equal(first, 0);
	assert_int_not_equal(first, second);
	assert_true(user_lives(users, first));
	user_leave(users, first, first_fd);
	assert_false(user_lives(users, first));
	assert_true(user_lives(users, second));
	user_leave(users, second, second_fd);
	close(users);
}

/* As when it is killed: its file stays, not its lock. */
static void test_dead_ones_file_goes(void **state)
{
	int users = users_open(*state), fd;
	char name[16];
	uint32_t user;

	assert_int_equal(user_join(users, &user, &fd), 0);
	close(fd);
	snprintf(name, sizeof name, "%08x", user);
	assert_int_equal(faccessat(users, name, F_OK, 0), 0);
	assert_false(user_lives(users, user));
	assert_int_not_equal(faccessat(users, name, F_OK, 0), 0);
	close(users);
}

static void test_no_such_directory(void **state)
{
	uint32_t user = 7;
	int fd = 7;

	(void)state;
	assert_int_not_equal(user_join(-1, &user, &fd), 0);
	assert_int_equal(errno, EBADF);
	assert_int_equal(user, 7);
	assert_int_equal(fd, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_lives_until_it_leaves),
		SAMPLE_TEST(test_dead_ones_file_goes),
		SAMPLE_TEST(test_no_such_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
