/* SPDX-License-Identifier: MIT */
/* A disk that cannot read at some place of an object's file: this program has a pread(2)
 * and a pwrite(2) of its own. */
#include <config.h>

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "unit/await.h"
#include "unit/cache_samples.h"

static struct {
	ino_t inode; /* of the file; 0: all is well */
	off_t at;    /* of the sector, bytes */
	bool heals;  /* when it is written again, as disks do */
	unsigned reads, writes;
} sector;

static bool is_hit(int fd, size_t size, off_t offset)
{
	struct stat st;

	return sector.inode && offset <= sector.at && sector.at < offset + (off_t)size &&
	       fstat(fd, &st) == 0 && st.st_ino == sector.inode;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	if (is_hit(fd, size, offset)) {
		sector.reads++;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, buffer, size, offset);
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
	if (is_hit(fd, size, offset)) {
		sector.writes++;
		if (sector.heals)
			sector.inode = 0;
	}
	return syscall(SYS_pwrite64, fd, buffer, size, offset);
}

static void break_sector(
	const char *directory, const struct sample *s, off_t at, bool heals)
{
	char *path = sample_object_path(directory, &s->ref.digest);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	memset(&sector, 0, sizeof sector);
	sector.inode = st.st_ino;
	sector.at = at;
	sector.heals = heals;
}

static unsigned count_resident(struct cache *c, const struct sample *s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		struct want w = sample_want(c, s, i);

		n += cache_has(c, &w);
	}
	return n;
}

/* One chunk is dropped and brought again; the other 15 stay. */
static void test_read(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(1, 16);

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	break_sector(*state, &s, 7 * SAMPLE_CHUNK + 700, true);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_true(sector.reads > 0);
	assert_int_equal(count_resident(c, &s), 15);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(count_resident(c, &s), 15);
	assert_int_equal(sample_put(c, &s, 7), 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* A place that takes nothing any more: its chunk is not kept, and not pretended. */
static void test_unwritable(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(2, 16);
	unsigned writes;

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	break_sector(*state, &s, 7 * SAMPLE_CHUNK + 700, false);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(sample_put(c, &s, 7), ERR_IO);
	assert_int_equal(count_resident(c, &s), 15);
	/* Such a disk is slow to say so: it is asked once. */
	writes = sector.writes;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(cache_flush(c), 0);
		assert_int_equal(sample_put(c, &s, 7), ERR_IO);
	}
	assert_int_equal(sector.writes, writes);
	assert_int_equal(count_resident(c, &s), 15);
	/* Room that was reserved for it is not lost, and all else is kept. */
	assert_int_equal(sample_put(c, &s, 6), 0);
	cache_close(c);
	sector.inode = 0;
	sample_release(&s);
}

static int count_rot(void *ctx, const struct cache_rot *rot)
{
	assert_int_equal(rot->start, 7 * SAMPLE_CHUNK);
	(*(unsigned *)ctx)++;
	return 0;
}

static void test_verify(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(3, 16);
	unsigned found = 0;
	struct cache_verify v = {.repair = true, .rotten = count_rot, .ctx = &found};

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	break_sector(*state, &s, 7 * SAMPLE_CHUNK + 700, true);
	assert_int_equal(cache_verify(c, &v), 0);
	assert_int_equal(found, 1);
	assert_int_equal(count_resident(c, &s), 15);
	assert_int_equal(sample_put(c, &s, 7), 0);
	assert_int_equal(cache_verify(c, &v), 0);
	assert_int_equal(found, 1);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* A chunk that is looked for elsewhere in the cache. */
static void test_copy(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(4, 16);
	struct want w = sample_want(c, &s, 7);
	uint8_t buffer[SAMPLE_CHUNK];

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	break_sector(*state, &s, 7 * SAMPLE_CHUNK + 700, true);
	assert_int_equal(cache_copy_chunk(c, &w.digest, buffer, SAMPLE_CHUNK), ERR_ABSENT);
	assert_int_equal(count_resident(c, &s), 15);
	assert_int_equal(sample_put(c, &s, 7), 0);
	assert_int_equal(cache_flush(c), 0); /* its place is looked for in the books */
	assert_int_equal(cache_copy_chunk(c, &w.digest, buffer, SAMPLE_CHUNK), 0);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_read),
		SAMPLE_TEST(test_unwritable),
		SAMPLE_TEST(test_verify),
		SAMPLE_TEST(test_copy),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
