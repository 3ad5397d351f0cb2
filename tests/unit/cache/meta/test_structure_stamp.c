/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "cache/meta/structure_stamp.h"
#include "unit/meta_samples.h"
#include "util/io.h"

#define BOOT 77
#define NOW (clock_realtime() / NS_PER_SECOND)

static char *path_of(void **state, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", (char *)*state, name) > 0);
	return path;
}

static void change(void **state, const char *name, uint64_t at)
{
	char *path = path_of(state, name);
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_pwrite_full(fd, "x", 1, at), 0);
	close(fd);
	free(path);
}

/* A file that was checked, used, and left. */
static void leave(void **state)
{
	change(state, "data.mdb", 8191);
	structure_stamp_begin(*state, BOOT, NOW);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	change(state, "data.mdb", 4096);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	structure_stamp_end(*state, BOOT, NOW);
	assert_true(structure_stamp_holds(*state, BOOT, NOW));
}

static void test_left_as_it_is(void **state)
{
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	structure_stamp_end(*state, BOOT, NOW);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	leave(state);
	/* In use once more, and left once more: the look is the same. */
	change(state, "data.mdb", 5000);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	structure_stamp_end(*state, BOOT, NOW);
	assert_true(structure_stamp_holds(*state, BOOT, NOW));
}

static void test_not_for_ever(void **state)
{
	int64_t before = NOW, after;

	leave(state);
	after = NOW;
	assert_true(structure_stamp_holds(*state, BOOT, before + STRUCTURE_STAMP_TERM - 1));
	assert_false(structure_stamp_holds(*state, BOOT, after + STRUCTURE_STAMP_TERM));
	/* Another boot, or a clock that was set back. */
	assert_false(structure_stamp_holds(*state, BOOT + 1, after));
	assert_false(structure_stamp_holds(*state, BOOT, before - 1));
	/* To leave it makes no look younger. */
	structure_stamp_end(*state, BOOT, before + STRUCTURE_STAMP_TERM - 1);
	assert_false(structure_stamp_holds(*state, BOOT, after + STRUCTURE_STAMP_TERM));
	structure_stamp_end(*state, BOOT, after + STRUCTURE_STAMP_TERM);
	assert_false(structure_stamp_holds(*state, BOOT, after + STRUCTURE_STAMP_TERM));
}

/* Changed by whatever means, at once after it was left. */
static void test_changed_since(void **state)
{
	char *path = path_of(state, "data.mdb"), *other = path_of(state, "other");

	for (unsigned i = 0; i < 50; i++) {
		leave(state);
		change(state, "data.mdb", i * 100);
		assert_false(structure_stamp_holds(*state, BOOT, NOW));
	}
	leave(state);
	assert_int_equal(truncate(path, 4096), 0);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	leave(state);
	assert_int_equal(rename(path, other), 0);
	change(state, "data.mdb", 8191);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	free(path);
	free(other);
}

static void test_a_stamp_that_is_rotten(void **state)
{
	char *path = path_of(state, "checked");
	uint8_t byte;
	int fd;

	leave(state);
	fd = open(path, O_RDWR);
	for (unsigned at = 0; io_pread_full(fd, &byte, 1, at) == 0; at++) {
		byte ^= 1;
		assert_int_equal(io_pwrite_full(fd, &byte, 1, at), 0);
		assert_false(structure_stamp_holds(*state, BOOT, NOW));
		byte ^= 1;
		assert_int_equal(io_pwrite_full(fd, &byte, 1, at), 0);
		assert_true(structure_stamp_holds(*state, BOOT, NOW));
	}
	close(fd);
	free(path);
}

/* It stands for whatever else somebody puts there: nobody waits for it. */
static void test_a_stamp_that_is_a_fifo(void **state)
{
	char *path = path_of(state, "checked");

	change(state, "data.mdb", 8191);
	assert_int_equal(mkfifo(path, 0600), 0);
	structure_stamp_begin(*state, BOOT, NOW);
	structure_stamp_end(*state, BOOT, NOW);
	assert_false(structure_stamp_holds(*state, BOOT, NOW));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_left_as_it_is),
		SAMPLE_TEST(test_not_for_ever),
		SAMPLE_TEST(test_changed_since),
		SAMPLE_TEST(test_a_stamp_that_is_rotten),
		SAMPLE_TEST(test_a_stamp_that_is_a_fifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
