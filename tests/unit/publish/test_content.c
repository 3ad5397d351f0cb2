/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/content.h"
#include "unit/trees.h"

static char *directory;
static int root;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	root = open(directory, O_RDONLY | O_DIRECTORY);
	trees_directory(directory, "d");
	trees_text(directory, "d/file", "0123456789");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(root);
	trees_remove(directory);
	return 0;
}

static struct stat stat_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static int open_it(struct content *c, const char *name)
{
	struct stat st = stat_of(name);

	return content_open(c, root, name, st.st_dev, st.st_ino);
}

static void test_reads_in_steps(void **state)
{
	struct content c;
	uint8_t buffer[16];
	size_t done;

	(void)state;
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(content_read(&c, buffer, 7, &done), 0);
	assert_int_equal(done, 7);
	assert_int_equal(content_read(&c, buffer + 7, 9, &done), 0);
	assert_int_equal(done, 3);
	assert_memory_equal(buffer, "0123456789", 10);
	assert_int_equal(content_read(&c, buffer, 9, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(content_check(&c), 0);
	content_close(&c);
}

static void test_holes_are_left_out(void **state)
{
	int fd = open(trees_path(directory, "sparse"), O_RDWR | O_CREAT, 0600);
	uint8_t *data = trees_noise(1, 8192), *buffer = malloc(20000);
	struct content c;
	size_t done;

	(void)state;
	assert_int_equal(pwrite(fd, data, 4096, 1u << 20), 4096);
	assert_int_equal(pwrite(fd, data + 4096, 4096, 2u << 20), 4096);
	assert_int_equal(ftruncate(fd, 3u << 20), 0);
	close(fd);
	assert_int_equal(open_it(&c, "sparse"), 0);
	if (c.extents.sparse) {
		assert_int_equal(content_read(&c, buffer, 5000, &done), 0);
		assert_int_equal(done, 5000);
		assert_int_equal(content_read(&c, buffer + 5000, 15000, &done), 0);
		assert_int_equal(done, 3192);
		assert_memory_equal(buffer, data, 8192);
	}
	content_close(&c);
	free(data);
	free(buffer);
}

static void test_notices_changes(void **state)
{
	struct content c;
	uint8_t buffer[16];
	size_t done;

	(void)state;
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(truncate(trees_path(directory, "d/file"), 4), 0);
	assert_int_equal(content_read(&c, buffer, 10, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(content_check(&c), ERR_CHANGED);
	content_close(&c);
	/* so do changes of attributes alone */
	trees_text(directory, "d/file", "0123456789");
	assert_int_equal(open_it(&c, "d/file"), 0);
	usleep(20000);
	assert_int_equal(chmod(trees_path(directory, "d/file"), 0600), 0);
	assert_int_equal(content_check(&c), ERR_CHANGED);
	content_close(&c);
}

static void test_only_the_file_that_was_meant(void **state)
{
	struct stat st = stat_of("d/file");
	struct content c;

	(void)state;
	assert_int_equal(
		content_open(&c, root, "d/none", st.st_dev, st.st_ino), ERR_CHANGED);
	assert_int_equal(
		content_open(&c, root, "d/file", st.st_dev, st.st_ino + 1), ERR_CHANGED);
	/* another file, a link to the right one, a directory, a fifo in its place */
	assert_int_equal(
		rename(trees_path(directory, "d/file"), trees_path(directory, "f")), 0);
	trees_text(directory, "d/file", "0123456789");
	assert_int_equal(
		content_open(&c, root, "d/file", st.st_dev, st.st_ino), ERR_CHANGED);
	assert_int_equal(unlink(trees_path(directory, "d/file")), 0);
	assert_int_equal(symlink("../f", trees_path(directory, "d/file")), 0);
	assert_int_equal(
		content_open(&c, root, "d/file", st.st_dev, st.st_ino), ERR_CHANGED);
	assert_int_equal(unlink(trees_path(directory, "d/file")), 0);
	assert_int_equal(mkfifo(trees_path(directory, "d/file"), 0600), 0);
	assert_int_equal(
		content_open(&c, root, "d/file", st.st_dev, st.st_ino), ERR_CHANGED);
	/* by way of a link among the directories it is still the same file */
	assert_int_equal(unlink(trees_path(directory, "d/file")), 0);
	assert_int_equal(
		rename(trees_path(directory, "f"), trees_path(directory, "d/file")), 0);
	assert_int_equal(content_open(&c, root, "d/file", st.st_dev, st.st_ino), 0);
	content_close(&c);
}

static void test_words(void **state)
{
	struct trouble t = {0};

	(void)state;
	assert_int_equal(content_fail(ERR_CHANGED, "a/b", "/src", &t), ERR_CHANGED);
	assert_non_null(strstr(t.text, "'a/b' in /src changes"));
	assert_int_equal(content_fail(ERR_DENIED, "a/b", "/src", &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "'a/b' in /src: permission denied"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_reads_in_steps),
		TEST(test_holes_are_left_out),
		TEST(test_notices_changes),
		TEST(test_only_the_file_that_was_meant),
		TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
