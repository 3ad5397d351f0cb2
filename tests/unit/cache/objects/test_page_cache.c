/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/objects/page_cache.h"
#include "unit/meta_samples.h"
#include "util/io.h"

#define WINDOW (UINT64_C(2) << 20)
#define SIZE (3 * WINDOW + 4096)

static int hole(const char *directory)
{
	char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/hole", directory) > 0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	free(path);
	return fd;
}

static bool is_in_memory(int fd, uint64_t at)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)at);
	unsigned char in_memory = 0;

	assert_true(map != MAP_FAILED);
	assert_int_equal(mincore(map, 4096, &in_memory), 0);
	munmap(map, 4096);
	return in_memory & 1;
}

/* The windows that begin in what is written, no others; the end of the file has none. */
static void test_prepares_what_begins_there(void **state)
{
	int fd;

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		skip();
	fd = hole(*state);
	page_cache_prepare(fd, SIZE, WINDOW - 4096, 8192);
	page_cache_prepare(fd, SIZE, 3 * WINDOW - 4096, 8192);
	assert_false(is_in_memory(fd, 0));
	assert_true(is_in_memory(fd, WINDOW));
	assert_false(is_in_memory(fd, 2 * WINDOW));
	assert_false(is_in_memory(fd, 3 * WINDOW));
	close(fd);
}

static void test_changes_no_byte(void **state)
{
	static uint8_t in[WINDOW], out[SIZE];
	int fd = hole(*state);

	memset(in, 0x5a, sizeof in);
	assert_int_equal(io_pwrite_full(fd, in, sizeof in, WINDOW / 2), 0);
	page_cache_read_ahead(fd, false);
	page_cache_prepare(fd, SIZE, 0, SIZE);
	page_cache_load(fd, 0, SIZE);
	page_cache_read_ahead(fd, true);
	page_cache_forget(fd, 0, SIZE);
	assert_int_equal(io_pread_full(fd, out, sizeof out, 0), 0);
	for (uint64_t i = 0; i < SIZE; i++)
		assert_int_equal(
			out[i], i >= WINDOW / 2 && i < WINDOW / 2 + WINDOW ? 0x5a : 0);
	close(fd);
}

/* Somebody damaged the cache: no SIGBUS. */
static void test_survives_a_cut_file(void **state)
{
	int fd = hole(*state);

	assert_int_equal(ftruncate(fd, 1), 0);
	page_cache_prepare(fd, SIZE, 0, SIZE);
	assert_false(is_in_memory(fd, 0) && is_in_memory(fd, WINDOW));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_prepares_what_begins_there),
		SAMPLE_TEST(test_changes_no_byte),
		SAMPLE_TEST(test_survives_a_cut_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
