/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>

#include "cache/objects/meta_directory.h"
#include "unit/object_samples.h"

static bool is_there(const struct directory *d, const char *name)
{
	return faccessat(d->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make_file(const struct directory *d, const char *name)
{
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void make_meta(struct directory *d)
{
	char *path = NULL;

	assert_int_equal(meta_directory_open(d, &path, NULL), 0);
	assert_non_null(strstr(path, "/meta"));
	free(path);
}

/* The last one that was damaged takes the place of the one before. */
static void test_set_aside(void **state)
{
	struct directory *d = *state;

	make_meta(d);
	make_file(d, "meta/first");
	assert_false(meta_directory_is_damaged(d));
	assert_int_equal(meta_directory_set_aside(d, NULL), 0);
	assert_false(is_there(d, "meta"));
	assert_true(is_there(d, "meta.damaged/damaged"));
	make_meta(d);
	meta_directory_mark_damaged(d);
	assert_true(meta_directory_is_damaged(d));
	assert_int_equal(meta_directory_set_aside(d, NULL), 0);
	assert_true(is_there(d, "meta.damaged/damaged"));
	assert_false(is_there(d, "meta.damaged/first"));
}

/* Something is in the way that cannot be removed. */
static void test_set_aside_elsewhere(void **state)
{
	struct directory *d = *state;

	make_meta(d);
	assert_int_equal(mkdirat(d->fd, "meta.damaged", 0700), 0);
	assert_int_equal(mkdirat(d->fd, "meta.damaged/stays", 0700), 0);
	assert_int_equal(meta_directory_set_aside(d, NULL), 0);
	assert_true(is_there(d, "meta.damaged.1/damaged"));
}

static void test_what_is_odd(void **state)
{
	struct directory *d = *state;

	make_meta(d);
	assert_int_equal(meta_directory_look(d, NULL), 0);
	make_file(d, "meta/data.mdb");
	assert_int_equal(meta_directory_look(d, NULL), 0);
	assert_int_equal(mkfifoat(d->fd, "meta/lock.mdb", 0600), 0);
	assert_int_equal(meta_directory_look(d, NULL), ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(test_set_aside),
		DIRECTORY_TEST(test_set_aside_elsewhere),
		DIRECTORY_TEST(test_what_is_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
