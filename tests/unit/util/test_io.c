/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/io.h"

/* A directory of its own for each test, which the test empties. */
struct place {
	char path[256];
	int fd;
};

static int set_up(void **state)
{
	const char *base = getenv("TMPDIR");
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->path, sizeof(p->path), "%s/cairn-io-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(p->path))
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int rc = rmdir(p->path); /* fails when something was left behind */

	close(p->fd);
	free(p);
	return rc;
}

static unsigned count_names(const struct place *p)
{
	DIR *d = opendir(p->path);
	struct dirent *e;
	unsigned count = 0;

	while ((e = readdir(d)))
		count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return count;
}

static int put(const struct place *p, const char *name, const char *text)
{
	return io_replace_file(p->fd, name, span_of_string(text), 0644, 0);
}

static void assert_holds(const struct place *p, const char *name, const char *text)
{
	struct bytes b = {0};

	assert_int_equal(io_read_file(p->fd, name, 1000, &b), 0);
	assert_true(span_equal(span_of_bytes(&b), span_of_string(text)));
	bytes_release(&b);
}

static void test_read_and_write_at_offsets(void **state)
{
	struct place *p = *state;
	int fd = openat(p->fd, "f", O_RDWR | O_CREAT, 0600);
	char buffer[8] = "";
	size_t done = 99;

	assert_int_equal(io_pwrite_full(fd, "stones", 6, 2), 0);
	assert_int_equal(io_pread_full(fd, buffer, 6, 2), 0);
	assert_memory_equal(buffer, "stones", 6);
	assert_int_equal(io_pread_full(fd, buffer, 8, 0), 0);
	assert_memory_equal(buffer, "\0\0stones", 8);
	assert_int_equal(io_pread_full(fd, buffer, 7, 2), ERR_CORRUPT);
	assert_int_equal(io_pread_some(fd, buffer, 7, 3, &done), 0);
	assert_int_equal(done, 5);
	assert_int_equal(io_pread_some(fd, buffer, 7, 100, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(io_pread_full(fd, buffer, 0, 100), 0);
	close(fd);
	unlinkat(p->fd, "f", 0);
}

static void test_offsets_beyond_off_t_are_refused(void **state)
{
	struct place *p = *state;
	int fd = openat(p->fd, "f", O_RDWR | O_CREAT, 0600);
	char c = 'x';
	size_t done;

	assert_int_equal(io_pread_full(fd, &c, 1, INT64_MAX), ERR_LIMIT);
	assert_int_equal(io_pread_some(fd, &c, 1, UINT64_MAX, &done), ERR_LIMIT);
	assert_int_equal(io_pwrite_full(fd, &c, 1, UINT64_MAX), ERR_LIMIT);
	assert_int_equal(io_pwrite_full(fd, &c, 1, INT64_MAX), ERR_LIMIT);
	close(fd);
	unlinkat(p->fd, "f", 0);
}

static void test_failing_calls_give_their_code(void **state)
{
	struct place *p = *state;
	int fd = openat(p->fd, "f", O_RDONLY | O_CREAT, 0600);
	char c;

	assert_int_equal(io_pwrite_full(fd, "x", 1, 0), ERR_IO); /* EBADF */
	assert_int_equal(io_write_full(fd, "x", 1), ERR_IO);
	close(fd);
	assert_int_equal(io_pread_full(p->fd, &c, 1, 0), ERR_IO); /* EISDIR */
	unlinkat(p->fd, "f", 0);
}

static void test_a_full_device_is_no_space(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(io_write_full(fd, "x", 1), ERR_NO_SPACE);
	close(fd);
}

static void test_read_file_appends(void **state)
{
	struct place *p = *state;
	struct bytes b = {0};

	assert_int_equal(put(p, "f", "path"), 0);
	assert_int_equal(bytes_append_string(&b, "marks "), 0);
	assert_int_equal(io_read_file(p->fd, "f", 4, &b), 0);
	assert_true(span_equal(span_of_bytes(&b), span_of_string("marks path")));
	bytes_release(&b);
	unlinkat(p->fd, "f", 0);
}

static void test_read_file_holds_to_its_limit(void **state)
{
	struct place *p = *state;
	struct bytes b = {0};

	assert_int_equal(put(p, "f", "path"), 0);
	assert_int_equal(put(p, "empty", ""), 0);
	assert_int_equal(bytes_append_string(&b, "kept"), 0);
	for (size_t max = 0; max < 4; max++)
		assert_int_equal(io_read_file(p->fd, "f", max, &b), ERR_LIMIT);
	assert_int_equal(io_read_file(p->fd, "empty", 0, &b), 0);
	assert_true(span_equal(span_of_bytes(&b), span_of_string("kept")));
	assert_int_equal(io_read_file(p->fd, "f", SIZE_MAX, &b), 0);
	assert_true(span_equal(span_of_bytes(&b), span_of_string("keptpath")));
	bytes_release(&b);
	unlinkat(p->fd, "f", 0);
	unlinkat(p->fd, "empty", 0);
}

/* Where fstat says nothing of the size, or a wrong one. */
static void test_read_file_follows_endless_and_sizeless_files(void **state)
{
	struct bytes b = {0};

	(void)state;
	assert_int_equal(io_read_file(AT_FDCWD, "/dev/zero", 100000, &b), ERR_LIMIT);
	assert_int_equal(b.size, 0);
	if (access("/proc/self/status", R_OK) == 0) {
		assert_int_equal(
			io_read_file(AT_FDCWD, "/proc/self/status", 100000, &b), 0);
		assert_true(b.size > 100);
	}
	bytes_release(&b);
}

static void test_read_file_says_why_not(void **state)
{
	struct place *p = *state;
	struct bytes b = {0};

	assert_int_equal(io_read_file(p->fd, "none", 10, &b), ERR_ABSENT);
	assert_int_equal(io_read_file(p->fd, ".", 10, &b), ERR_IO);
	assert_int_equal(b.size, 0);
	bytes_release(&b);
}

/* Nobody is at the FIFO's other end. */
static void test_read_regular_file_waits_for_nobody(void **state)
{
	struct place *p = *state;
	struct bytes b = {0};

	assert_int_equal(mkfifoat(p->fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("fifo", p->fd, "link"), 0);
	assert_int_equal(mkdirat(p->fd, "directory", 0700), 0);
	assert_int_equal(io_read_regular_file(p->fd, "fifo", 9, &b), ERR_INVALID);
	assert_int_equal(io_read_regular_file(p->fd, "link", 9, &b), ERR_INVALID);
	assert_int_equal(io_read_regular_file(p->fd, "directory", 9, &b), ERR_INVALID);
	assert_int_equal(io_read_regular_file(p->fd, "/dev/zero", 9, &b), ERR_INVALID);
	assert_int_equal(io_read_regular_file(p->fd, "none", 9, &b), ERR_ABSENT);
	assert_int_equal(b.size, 0);
	assert_int_equal(unlinkat(p->fd, "link", 0), 0);
	assert_int_equal(io_replace_file(p->fd, "f", span_of_string("text"), 0600, 0), 0);
	assert_int_equal(symlinkat("f", p->fd, "link"), 0);
	assert_int_equal(io_read_regular_file(p->fd, "link", 4, &b), 0);
	assert_memory_equal(b.data, "text", 4);
	assert_int_equal(io_read_regular_file(p->fd, "f", 3, &b), ERR_LIMIT);
	assert_int_equal(b.size, 4);
	bytes_release(&b);
	assert_int_equal(unlinkat(p->fd, "f", 0), 0);
	assert_int_equal(unlinkat(p->fd, "link", 0), 0);
	assert_int_equal(unlinkat(p->fd, "fifo", 0), 0);
	assert_int_equal(unlinkat(p->fd, "directory", AT_REMOVEDIR), 0);
}

static void test_replace_makes_and_replaces(void **state)
{
	struct place *p = *state;

	assert_int_equal(put(p, "f", "one"), 0);
	assert_holds(p, "f", "one");
	assert_int_equal(io_replace_file(p->fd, "f", span_of_string("two"), 0644, 1), 0);
	assert_holds(p, "f", "two");
	assert_int_equal(put(p, "f", ""), 0);
	assert_holds(p, "f", "");
	assert_int_equal(count_names(p), 1);
	unlinkat(p->fd, "f", 0);
}

static void test_replace_in_a_subdirectory_and_by_absolute_path(void **state)
{
	struct place *p = *state;
	char path[300];

	mkdirat(p->fd, "d", 0700);
	assert_int_equal(io_replace_file(p->fd, "d/f", span_of_string("one"), 0600, 1), 0);
	assert_holds(p, "d/f", "one");
	snprintf(path, sizeof(path), "%s/d/f", p->path);
	assert_int_equal(
		io_replace_file(AT_FDCWD, path, span_of_string("two"), 0600, 1), 0);
	assert_holds(p, "d/f", "two");
	assert_int_equal(count_names(p), 1);
	unlinkat(p->fd, "d/f", 0);
	assert_int_equal(unlinkat(p->fd, "d", AT_REMOVEDIR), 0);
}

static void test_replace_sets_the_mode(void **state)
{
	struct place *p = *state;
	struct stat st;
	mode_t before = umask(022);

	assert_int_equal(io_replace_file(p->fd, "f", span_of_string("key"), 0600, 0), 0);
	assert_int_equal(fstatat(p->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(io_replace_file(p->fd, "f", span_of_string("key"), 0666, 0), 0);
	assert_int_equal(fstatat(p->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	umask(before);
	unlinkat(p->fd, "f", 0);
}

static void test_replace_replaces_a_link_not_its_target(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(put(p, "target", "untouched"), 0);
	assert_int_equal(symlinkat("target", p->fd, "link"), 0);
	assert_int_equal(put(p, "link", "new"), 0);
	assert_int_equal(fstatat(p->fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_holds(p, "target", "untouched");
	unlinkat(p->fd, "link", 0);
	unlinkat(p->fd, "target", 0);
}

/* As root, /dev/full would be lost for everybody. */
static void test_replace_spares_what_is_no_file(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(mkfifoat(p->fd, "f", 0600), 0);
	assert_int_equal(symlinkat("f", p->fd, "link"), 0);
	assert_int_equal(put(p, "f", "text"), ERR_INVALID);
	assert_int_equal(put(p, "link", "text"), ERR_INVALID);
	assert_int_equal(fstatat(p->fd, "link", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(count_names(p), 2);
	unlinkat(p->fd, "link", 0);
	unlinkat(p->fd, "f", 0);
}

static void test_a_failed_replace_leaves_nothing_behind(void **state)
{
	struct place *p = *state;

	assert_int_equal(put(p, "none/f", "x"), ERR_ABSENT);
	/* Written, but the name is a directory's. */
	mkdirat(p->fd, "d", 0700);
	assert_int_not_equal(put(p, "d", "x"), 0);
	assert_int_equal(count_names(p), 1);
	assert_int_equal(unlinkat(p->fd, "d", AT_REMOVEDIR), 0);
}

static void test_a_reader_sees_the_old_or_the_new(void **state)
{
	struct place *p = *state;
	char buffer[3];
	int fd;

	assert_int_equal(put(p, "f", "old"), 0);
	fd = openat(p->fd, "f", O_RDONLY);
	assert_int_equal(put(p, "f", "new"), 0);
	assert_int_equal(io_pread_full(fd, buffer, 3, 0), 0);
	assert_memory_equal(buffer, "old", 3);
	close(fd);
	unlinkat(p->fd, "f", 0);
}

static void test_make_directories(void **state)
{
	struct place *p = *state;
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a//b/c/", p->path);
	assert_int_equal(io_make_directories(path, 0700), 0);
	assert_int_equal(io_make_directories(path, 0700), 0);
	assert_int_equal(fstatat(p->fd, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(put(p, "a/f", "x"), 0);
	snprintf(path, sizeof(path), "%s/a/f", p->path);
	assert_int_equal(io_make_directories(path, 0700), ERR_EXISTS);
	snprintf(path, sizeof(path), "%s/a/f/g", p->path);
	assert_int_equal(io_make_directories(path, 0700), ERR_EXISTS);
	assert_int_equal(io_make_directories("", 0700), ERR_ABSENT);
	assert_int_equal(io_make_directories("/", 0700), 0);
	unlinkat(p->fd, "a/f", 0);
	unlinkat(p->fd, "a/b/c", AT_REMOVEDIR);
	unlinkat(p->fd, "a/b", AT_REMOVEDIR);
	unlinkat(p->fd, "a", AT_REMOVEDIR);
}

static void test_a_parent_that_is_made_can_be_entered(void **state)
{
	struct place *p = *state;
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b", p->path);
	assert_int_equal(io_make_directories(path, 0500), 0);
	assert_int_equal(fstatat(p->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatat(p->fd, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0500);
	unlinkat(p->fd, "a/b", AT_REMOVEDIR);
	unlinkat(p->fd, "a", AT_REMOVEDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_read_and_write_at_offsets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_offsets_beyond_off_t_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_failing_calls_give_their_code, set_up, tear_down),
		cmocka_unit_test(test_a_full_device_is_no_space),
		cmocka_unit_test_setup_teardown(test_read_file_appends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_read_file_holds_to_its_limit, set_up, tear_down),
		cmocka_unit_test(test_read_file_follows_endless_and_sizeless_files),
		cmocka_unit_test_setup_teardown(
			test_read_file_says_why_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_read_regular_file_waits_for_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_replace_makes_and_replaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_replace_in_a_subdirectory_and_by_absolute_path, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_replace_sets_the_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_replace_replaces_a_link_not_its_target, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_replace_spares_what_is_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_failed_replace_leaves_nothing_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_reader_sees_the_old_or_the_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_make_directories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_parent_that_is_made_can_be_entered, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
