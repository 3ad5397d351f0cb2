/* SPDX-License-Identifier: MIT */
/*
 * A kernel that cannot write back what the cache wrote, and lets go of it: no byte that is
 * read afterwards is a wrong one, whoever has heard of it.
 */
#include <config.h>

#include "cache/write/flusher.h"
#include "unit/await.h"
#include "unit/cache_samples.h"
#include "unit/other_process.h"
#include "unit/thin_disk.h"

#define OBJECTS 16 /* of a megabyte: more than the disk has */
#define DISK 10

static int setup(void **state)
{
	*state = thin_disk_new(DISK);
	if (!*state)
		print_message("no disk to fill: needs root, loop devices, mkfs.ext4\n");
	return 0;
}

static int teardown(void **state)
{
	thin_disk_free(*state);
	return 0;
}

static int put(struct cache *c, unsigned first, unsigned count)
{
	int rc = 0;

	for (unsigned i = first; i < first + count && !rc; i++) {
		struct sample s = sample_make(i, 16);

		for (uint32_t k = 0; k < s.count && !rc; k++)
			rc = sample_put(c, &s, k);
		sample_release(&s);
	}
	return rc ? rc : cache_flush(c);
}

/* How many are whole; none is wrong. */
static unsigned count_right(struct cache *c, unsigned first, unsigned count)
{
	unsigned right = 0;

	for (unsigned i = first; i < first + count; i++) {
		struct sample s = sample_make(i, 16);
		int rc = sample_read(c, &s);

		if (rc && rc != ERR_PENDING)
			fail_msg("object %u: %d", i, rc);
		right += !rc;
		sample_release(&s);
	}
	return right;
}

/* So many that the disk cannot have them all. */
static void none_is_wrong(struct cache *c)
{
	assert_in_range(count_right(c, 0, OBJECTS), 1, OBJECTS - 1);
}

/* Reads before anything but the kernel has looked. */
static void test_in_a_running_process(void **state)
{
	struct thin_disk *d = *state;
	struct cache *c;
	uint64_t before;

	if (!d)
		skip();
	c = sample_open(d->cache, 0);
	before = atomic_load(&c->write.generation);
	assert_int_equal(put(c, 0, OBJECTS), 0);
	(void)count_right(c, 0, OBJECTS);
	thin_disk_forget(d);
	none_is_wrong(c);
	/* The reader has told the flusher. */
	AWAIT(c->write.flush_failed);
	assert_true(atomic_load(&c->write.generation) > before);
	none_is_wrong(c);
	/* For a while, nothing is kept. */
	assert_int_equal(put(c, OBJECTS, 1), ERR_NO_SPACE);
	cache_close(c);
	c = sample_open(d->cache, 0);
	none_is_wrong(c);
	cache_close(c);
}

/* Whoever wrote flushes when it leaves, be others there or not. */
static int fill_and_leave(struct other_process *p, const char *directory)
{
	struct cache *c = sample_open_in_child(directory, 0);

	if (put(c, 0, OBJECTS))
		return 1;
	other_process_pause(p);
	cache_close(c);
	return 0;
}

static void test_seen_by_who_leaves(void **state)
{
	struct thin_disk *d = *state;
	struct other_process writer;
	struct cache *c;
	uint64_t before;

	if (!d)
		skip();
	other_process_start(&writer, fill_and_leave, d->cache);
	c = sample_open(d->cache, 0);
	before = atomic_load(&c->write.generation);
	other_process_tell(&writer);
	waitpid(writer.pid, NULL, 0);
	thin_disk_forget(d);
	none_is_wrong(c);
	AWAIT(atomic_load(&c->write.generation) > before);
	none_is_wrong(c);
	cache_close(c);
	c = sample_open(d->cache, 0);
	none_is_wrong(c);
	cache_close(c);
}

/* It cannot look any more; others have been told of the error. `stays`: another process
 * that uses the cache, too. */
static void killed_before_it_looks(struct thin_disk *d, bool stays)
{
	struct other_process writer;
	struct cache *c = NULL;

	other_process_start(&writer, fill_and_leave, d->cache);
	if (stays)
		c = sample_open(d->cache, 0);
	thin_disk_forget(d);
	kill(writer.pid, SIGKILL);
	waitpid(writer.pid, NULL, 0);
	if (!stays)
		c = sample_open(d->cache, 0);
	none_is_wrong(c);
	cache_close(c);
	c = sample_open(d->cache, 0);
	none_is_wrong(c);
	cache_close(c);
}

static void test_killed_before_it_looks(void **state)
{
	if (!*state)
		skip();
	killed_before_it_looks(*state, false);
}

static void test_killed_beside_another(void **state)
{
	if (!*state)
		skip();
	killed_before_it_looks(*state, true);
}

/* One that had it all open, and took over what the other wrote. */
static void test_taken_over_from_another(void **state)
{
	struct thin_disk *d = *state;
	struct other_process writer;
	struct cache *c;

	if (!d)
		skip();
	other_process_start(&writer, fill_and_leave, d->cache);
	c = sample_open(d->cache, 0);
	/* Before anything of it is on the disk, unless the machine is slow. */
	(void)count_right(c, 0, OBJECTS);
	thin_disk_forget(d);
	none_is_wrong(c);
	kill(writer.pid, SIGKILL);
	waitpid(writer.pid, NULL, 0);
	none_is_wrong(c);
	cache_close(c);
}

/* The machine stays up, its disk goes and comes back: without what was only in memory. */
static void test_a_disk_that_comes_back(void **state)
{
	struct thin_disk *d = *state;
	struct other_process writer;
	struct cache *c;
	uint64_t generation;

	if (!d)
		skip();
	c = sample_open(d->cache, 0);
	assert_int_equal(put(c, OBJECTS, 2), 0);
	generation = atomic_load(&c->write.generation);
	cache_close(c);
	other_process_start(&writer, fill_and_leave, d->cache);
	thin_disk_pull_out(d);
	kill(writer.pid, SIGKILL);
	waitpid(writer.pid, NULL, 0);
	c = sample_open(d->cache, 0);
	assert_true(atomic_load(&c->write.generation) > generation);
	assert_in_range(count_right(c, 0, OBJECTS), 0, OBJECTS - 1);
	/* That was flushed before. */
	assert_int_equal(count_right(c, OBJECTS, 2), 2);
	cache_close(c);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(test_in_a_running_process),
		DISK_TEST(test_seen_by_who_leaves),
		DISK_TEST(test_killed_before_it_looks),
		DISK_TEST(test_killed_beside_another),
		DISK_TEST(test_taken_over_from_another),
		DISK_TEST(test_a_disk_that_comes_back),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
