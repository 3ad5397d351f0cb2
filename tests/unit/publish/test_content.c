/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/content.h"
#include "unit/trees.h"
#include "util/io.h"

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
	struct extents_made runs;
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
	assert_int_equal(content_finish(&c, &runs), 0);
	assert_true(runs.size == 10 && runs.count == 0 && runs.list.count == 0);
	content_close(&c);
	/* to its last byte, but not beyond: that is all of it, too; a byte less is not */
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(content_read(&c, buffer, 9, &done), 0);
	assert_int_equal(content_finish(&c, &runs), ERR_CHANGED);
	assert_int_equal(content_read(&c, buffer, 1, &done), 0);
	assert_int_equal(content_finish(&c, &runs), 0);
	content_close(&c);
}

static void test_holes_are_left_out(void **state)
{
	int fd = open(trees_path(directory, "sparse"), O_RDWR | O_CREAT, 0600);
	uint8_t *data = trees_noise(1, 8192), *buffer = malloc(20000);
	struct extent_list_builder *builder = extent_list_builder_new();
	struct extents_made runs;
	struct content c;
	size_t done;

	(void)state;
	extent_list_builder_reset(builder, NULL, NULL);
	assert_int_equal(pwrite(fd, data, 4096, 1u << 20), 4096);
	assert_int_equal(pwrite(fd, data + 4096, 4096, 2u << 20), 4096);
	assert_int_equal(ftruncate(fd, 3u << 20), 0);
	close(fd);
	assert_int_equal(open_it(&c, "sparse"), 0);
	c.runs = builder;
	if (c.sparse) {
		assert_int_equal(content_read(&c, buffer, 5000, &done), 0);
		assert_int_equal(done, 5000);
		assert_int_equal(content_read(&c, buffer + 5000, 15000, &done), 0);
		assert_int_equal(done, 3192);
		assert_memory_equal(buffer, data, 8192);
		assert_int_equal(content_finish(&c, &runs), 0);
		assert_true(runs.size == 8192 && runs.count == 2);
		assert_int_equal(extent_at(runs.extents, 0).offset, 1u << 20);
		assert_int_equal(extent_at(runs.extents, 1).offset, 2u << 20);
	}
	content_close(&c);
	extent_list_builder_free(builder);
	free(data);
	free(buffer);
}

static void test_notices_changes(void **state)
{
	struct extents_made runs;
	struct content c;
	uint8_t buffer[16];
	size_t done;

	(void)state;
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(truncate(trees_path(directory, "d/file"), 4), 0);
	assert_int_equal(content_read(&c, buffer, 10, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(content_finish(&c, &runs), ERR_CHANGED);
	content_close(&c);
	/* so do changes of attributes alone */
	trees_text(directory, "d/file", "0123456789");
	assert_int_equal(open_it(&c, "d/file"), 0);
	usleep(20000);
	assert_int_equal(chmod(trees_path(directory, "d/file"), 0600), 0);
	assert_int_equal(content_read(&c, buffer, 16, &done), 0);
	assert_int_equal(content_finish(&c, &runs), ERR_CHANGED);
	content_close(&c);
}

static void test_only_the_file_that_was_meant(void **state)
{
	struct stat st = stat_of("d/file");
	struct content c;

	(void)state;
	assert_int_equal(
		content_open(&c, root, "d/none", st.st_dev, st.st_ino), ERR_ABSENT);
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

static void test_what_a_failure_is_about(void **state)
{
	(void)state;
	assert_true(content_is_failure(ERR_ABSENT));
	assert_true(content_is_failure(ERR_DENIED));
	assert_true(content_is_failure(ERR_IO));
	assert_false(content_is_failure(ERR_NO_MEMORY));
	assert_false(content_is_failure(ERR_NO_FILES));
}

/* The size is what was read, if the file is as it was. */
static void test_ends_where_there_is_no_more(void **state)
{
	struct extents_made runs;
	struct content c;
	uint8_t buffer[16];
	size_t done;

	(void)state;
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(content_read(&c, buffer, 16, &done), 0);
	assert_int_equal(content_finish(&c, &runs), 0);
	assert_false(c.unsized);
	content_close(&c);
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(content_read(&c, buffer, 4, &done), 0);
	c.cut = true; /* as a file of /sys does, which has less than it says */
	assert_int_equal(content_read(&c, buffer, 4, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(content_finish(&c, &runs), 0);
	assert_true(c.unsized);
	assert_true(c.st.st_size == 4 && runs.size == 4 && runs.count == 0);
	content_close(&c);
	assert_int_equal(open_it(&c, "d/file"), 0);
	assert_int_equal(truncate(trees_path(directory, "d/file"), 4), 0);
	assert_int_equal(content_read(&c, buffer, 16, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(content_finish(&c, &runs), ERR_CHANGED);
	content_close(&c);
}

/* A file of /proc: its size is 0, and it has content. */
static void test_reads_what_has_no_size(void **state)
{
	int proc = open("/proc/sys/kernel", O_RDONLY | O_DIRECTORY);
	struct content c;
	uint8_t buffer[512], expected[512];
	struct extents_made runs;
	struct stat st;
	bool unsized;
	size_t done, size;

	(void)state;
	if (proc < 0 || fstatat(proc, "ostype", &st, 0) != 0)
		skip();
	assert_int_equal(st.st_size, 0);
	assert_int_equal(content_probe(proc, "ostype", &st, &unsized), 0);
	assert_true(unsized);
	assert_int_equal(content_open(&c, proc, "ostype", st.st_dev, st.st_ino), 0);
	c.unsized = true;
	assert_int_equal(content_read(&c, buffer, sizeof buffer, &done), 0);
	assert_int_equal(content_finish(&c, &runs), 0);
	assert_int_equal(c.st.st_size, done);
	assert_int_equal(runs.size, done);
	content_close(&c);
	assert_int_equal(io_pread_some(openat(proc, "ostype", O_RDONLY), expected,
				 sizeof expected, 0, &size),
		0);
	assert_int_equal(size, done);
	assert_memory_equal(buffer, expected, done);
	close(proc);
	/* an empty one is an empty one, and who may not open it is not told of it here */
	trees_text(directory, "empty", "");
	st = stat_of("empty");
	assert_int_equal(content_probe(root, "empty", &st, &unsized), 0);
	assert_false(unsized);
	assert_int_equal(content_probe(root, "gone", &st, &unsized), 0);
	assert_false(unsized);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_reads_in_steps),
		TEST(test_holes_are_left_out),
		TEST(test_notices_changes),
		TEST(test_only_the_file_that_was_meant),
		TEST(test_what_a_failure_is_about),
		TEST(test_ends_where_there_is_no_more),
		TEST(test_reads_what_has_no_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
