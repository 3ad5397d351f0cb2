/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/extents.h"
#include "unit/trees.h"
#include "util/error.h"

static char *directory;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

/* A file of `size` bytes with `run` bytes of data at each of the offsets. */
static int sparse_file(uint64_t size, const uint64_t *offsets, unsigned count, size_t run)
{
	int fd = open(trees_path(directory, "sparse"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	uint8_t *data = trees_noise(1, run);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(pwrite(fd, data, run, (off_t)offsets[i]), run);
	free(data);
	return fd;
}

static struct stat stat_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st;
}

/* How many runs there are; `sum`: of their bytes. */
static unsigned count_runs(int fd, uint64_t size, uint64_t *sum)
{
	struct extent run = {0};
	unsigned count = 0;
	int rc;

	*sum = 0;
	while (!(rc = extents_next(fd, run.offset + run.size, size, &run))) {
		*sum += run.size;
		count++;
	}
	assert_int_equal(rc, ERR_ABSENT);
	return count;
}

static void test_runs_and_holes(void **state)
{
	static const uint64_t offsets[] = {0, 1u << 20, 8u << 20};
	int fd = sparse_file(16u << 20, offsets, 3, 65536);
	struct stat st = stat_of(fd);
	struct extent run = {0};
	uint64_t sum;

	(void)state;
	if (!extents_likely(&st)) /* a file system without holes */
		skip();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			extents_next(fd, run.offset + run.size, 16u << 20, &run), 0);
		assert_int_equal(run.offset, offsets[i]);
		assert_int_equal(run.size, 65536);
	}
	assert_int_equal(
		extents_next(fd, run.offset + run.size, 16u << 20, &run), ERR_ABSENT);
	/* from within a run; no further than the size that is given */
	assert_int_equal(extents_next(fd, 4096, 8192, &run), 0);
	assert_true(run.offset == 4096 && run.size == 4096);
	assert_int_equal(count_runs(fd, (1u << 20) + 5, &sum), 2);
	assert_int_equal(sum, 65536 + 5);
	close(fd);
}

static void test_measured_as_far_as_it_matters(void **state)
{
	static const uint64_t offsets[] = {0, 1u << 20, 8u << 20};
	int fd = sparse_file(16u << 20, offsets, 3, 65536);
	struct stat st = stat_of(fd);
	uint64_t bytes = 0;

	(void)state;
	if (!extents_likely(&st))
		skip();
	assert_int_equal(extents_measure(fd, &st, UINT64_MAX, &bytes), 0);
	assert_int_equal(bytes, 3 * 65536);
	assert_int_equal(extents_measure(fd, &st, 65537, &bytes), 0);
	assert_int_equal(bytes, 2 * 65536);
	assert_int_equal(extents_measure(fd, &st, 1, &bytes), 0);
	assert_int_equal(bytes, 65536);
	close(fd);
}

static void test_one_hole(void **state)
{
	int fd = sparse_file(1u << 20, NULL, 0, 1);
	struct stat st = stat_of(fd);
	struct extent run;
	uint64_t bytes = 7;

	(void)state;
	if (!extents_likely(&st))
		skip();
	assert_int_equal(extents_next(fd, 0, 1u << 20, &run), ERR_ABSENT);
	assert_int_equal(extents_measure(fd, &st, UINT64_MAX, &bytes), 0);
	assert_int_equal(bytes, 0);
	close(fd);
}

static void test_without_holes_it_is_not_asked(void **state)
{
	static const uint64_t offsets[] = {0};
	int fd = sparse_file(65536, offsets, 1, 65536);
	struct stat st;

	(void)state;
	assert_int_equal(fsync(fd), 0);
	st = stat_of(fd);
	assert_false(extents_likely(&st));
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_runs_and_holes),
		TEST(test_measured_as_far_as_it_matters),
		TEST(test_one_hole),
		TEST(test_without_holes_it_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
