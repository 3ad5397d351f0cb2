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

static void test_runs_and_holes(void **state)
{
	static const uint64_t offsets[] = {0, 1u << 20, 8u << 20};
	int fd = sparse_file(16u << 20, offsets, 3, 65536);
	struct stat st = stat_of(fd);
	struct extents x = {0};

	(void)state;
	assert_int_equal(extents_read(fd, &st, &x), 0);
	if (!x.sparse) /* a file system without holes */
		skip();
	assert_int_equal(x.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(x.items[i].offset, offsets[i]);
		assert_int_equal(x.items[i].size, 65536);
	}
	assert_int_equal(x.data_size, 3 * 65536);
	extents_release(&x);
	close(fd);
}

static void test_nothing_but_a_hole(void **state)
{
	int fd = sparse_file(5u << 20, NULL, 0, 8);
	struct stat st = stat_of(fd);
	struct extents x = {0};

	(void)state;
	assert_int_equal(extents_read(fd, &st, &x), 0);
	if (!x.sparse)
		skip();
	assert_int_equal(x.count, 0);
	assert_int_equal(x.data_size, 0);
	extents_release(&x);
	close(fd);
}

static void test_a_plain_file(void **state)
{
	static const uint64_t offsets[] = {0};
	int fd = sparse_file(100000, offsets, 1, 100000);
	struct stat st;
	struct extents x = {0};

	(void)state;
	fsync(fd); /* so that its blocks are counted */
	st = stat_of(fd);
	assert_int_equal(extents_read(fd, &st, &x), 0);
	assert_false(x.sparse);
	assert_int_equal(x.count, 0);
	assert_int_equal(x.data_size, 100000);
	extents_release(&x);
	close(fd);
}

/* Run i is at i * 1000, of 10 bytes, and the gap behind it grows with i. */
static struct extents growing(uint32_t count)
{
	struct extents x = {0};
	uint64_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(extents_add(&x, (struct extent){at, 10}), 0);
		at += 10 + 100 + i;
	}
	return x;
}

static void test_touching_runs_join(void **state)
{
	struct extents x = {0};

	(void)state;
	assert_int_equal(extents_add(&x, (struct extent){0, 10}), 0);
	assert_int_equal(extents_add(&x, (struct extent){10, 5}), 0);
	assert_int_equal(extents_add(&x, (struct extent){16, 5}), 0);
	assert_int_equal(x.count, 2);
	assert_int_equal(x.items[0].size, 15);
	extents_release(&x);
}

static void test_the_smallest_holes_are_filled(void **state)
{
	struct extents x = growing(100);
	struct extent last = x.items[99];
	uint64_t reach = x.items[60].offset + 10;

	(void)state;
	assert_int_equal(extents_reduce(&x, 40), 0);
	assert_int_equal(x.count, 40);
	assert_int_equal(x.items[0].offset, 0);
	/* gaps 0 to 59 are gone: the first run reaches to the end of run 60 */
	assert_int_equal(x.items[0].size, reach);
	assert_int_equal(x.items[1].size, 10);
	assert_int_equal(x.items[39].offset, last.offset);
	extents_release(&x);
}

/* Equal gaps: exactly as many as needed, from the front. */
static void test_equal_holes(void **state)
{
	struct extents x = {0};

	(void)state;
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(extents_add(&x, (struct extent){i * 100, 10}), 0);
	assert_int_equal(extents_reduce(&x, 50), 0);
	assert_int_equal(x.count, 50);
	assert_int_equal(extents_reduce(&x, 20), 0);
	assert_int_equal(x.count, 20);
	assert_int_equal(x.items[0].size, 3010);
	assert_int_equal(x.items[19].offset, 4900);
	assert_int_equal(extents_reduce(&x, 1), 0);
	assert_int_equal(x.count, 1);
	assert_int_equal(x.items[0].size, 4910);
	extents_release(&x);
}

static void test_more_runs_than_the_format_has(void **state)
{
	uint32_t count = 2 * EXTENT_COUNT_MAX + 100;
	uint64_t *offsets = malloc(count * sizeof *offsets);
	struct extents x = {0};
	struct stat st;
	int fd;

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		offsets[i] = (uint64_t)i * 12288;
	fd = sparse_file((uint64_t)count * 12288, offsets, count, 4096);
	st = stat_of(fd);
	assert_int_equal(extents_read(fd, &st, &x), 0);
	if (x.sparse) {
		assert_true(x.count <= EXTENT_COUNT_MAX && x.count > EXTENT_COUNT_MAX / 2);
		assert_int_equal(x.items[0].offset, 0);
		assert_int_equal(x.items[x.count - 1].offset + x.items[x.count - 1].size,
			(uint64_t)(count - 1) * 12288 + 4096);
	}
	extents_release(&x);
	free(offsets);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_and_holes),
		cmocka_unit_test(test_nothing_but_a_hole),
		cmocka_unit_test(test_a_plain_file),
		cmocka_unit_test(test_touching_runs_join),
		cmocka_unit_test(test_the_smallest_holes_are_filled),
		cmocka_unit_test(test_equal_holes),
		cmocka_unit_test(test_more_runs_than_the_format_has),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
