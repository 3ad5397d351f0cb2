/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/file.h>

#include "cache/meta/scrub_record.h"
#include "cache/scrub.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

#define MIB (UINT64_C(1) << 20)
#define DAY 86400

/* As a mount of the cache does. */
static struct cache *open_scrubbed(
	const char *directory, int64_t period, struct scrub **scrub)
{
	struct cache *c = sample_open(directory, 0);

	assert_int_equal(scrub_new(c, period, scrub), 0);
	return c;
}

static void close_scrubbed(struct cache *c, struct scrub *scrub)
{
	scrub_free(scrub);
	cache_close(c);
}

static void test_due(void **state)
{
	(void)state;
	/* A hundredth of a day of 100 GiB is a GiB; less than a batch waits. */
	assert_int_equal(scrub_due(100 * 1024 * MIB, 0, 864, DAY), 1024 * MIB);
	assert_int_equal(scrub_due(100 * 1024 * MIB, 1000 * MIB, 864, DAY), 0);
	assert_int_equal(scrub_due(100 * 1024 * MIB, 900 * MIB, 864, DAY), 124 * MIB);
	assert_int_equal(scrub_due(100 * 1024 * MIB, 2000 * MIB, 864, DAY), 0);
	/* A small cache has smaller batches, and an empty one is through at the end. */
	assert_int_equal(scrub_due(8 * MIB, 0, DAY / 16, DAY), 0);
	assert_int_equal(scrub_due(8 * MIB, 0, DAY / 4, DAY), 2 * MIB);
	assert_int_equal(scrub_due(0, 0, DAY / 2, DAY), 0);
	assert_int_equal(scrub_due(0, 0, DAY, DAY), UINT64_MAX);
	assert_int_equal(scrub_due(8 * MIB, 8 * MIB, DAY, DAY), UINT64_MAX);
	assert_int_equal(scrub_due(UINT64_MAX, 0, -5, DAY), 0);
	assert_true(scrub_due(UINT64_MAX / 2, 0, DAY / 2, DAY) > 1024 * MIB);
}

static struct cache_info wait_until(struct cache *c,
	bool (*is_so)(const struct cache_info *i, int64_t than), int64_t than)
{
	struct cache_info info;

	AWAIT(cache_info(c, &info) == 0 && is_so(&info, than));
	return info;
}

static bool has_ended(const struct cache_info *i, int64_t than)
{
	return i->scrub_ended > than;
}

static bool has_looked(const struct cache_info *i, int64_t than)
{
	return (int64_t)i->scrub_bytes > than;
}

static void flip(const char *directory, const struct sample *s, off_t at)
{
	char *path = sample_object_path(directory, &s->ref.digest);
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	free(path);
}

/* Rot of chunks and pages that nobody reads is found, thrown out and counted. */
static void test_a_pass(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct scrub *scrub;
	struct sample sound = sample_make(1, 4), rotten = sample_make(2, 8);
	struct blob_buffer *page = sample_page(5, 20);
	struct cache_info info;
	unsigned rows;

	sample_put_all(c, &sound);
	sample_put_all(c, &rotten);
	assert_int_equal(cache_put_page(c, page), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.scrub_begun, 0);
	assert_int_equal(sample_flip_raw(c->metadata, TABLE_PAGES,
				 span_of_digest(blob_buffer_digest(page)), 100),
		0);
	cache_close(c);
	flip(*state, &rotten, 3 * SAMPLE_CHUNK + 9);
	flip(*state, &rotten, 5 * SAMPLE_CHUNK + 9);

	c = open_scrubbed(*state, 1, &scrub);
	info = wait_until(c, has_ended, 0);
	assert_int_equal(info.scrub_rotten_ever, 3);
	assert_int_equal(sample_find_page(c, 5, &rows), ERR_PENDING);
	assert_int_equal(sample_read(c, &rotten), ERR_PENDING);
	assert_int_equal(sample_read(c, &sound), 0);
	assert_int_equal(sample_put(c, &rotten, 3), 0);
	assert_int_equal(sample_put(c, &rotten, 5), 0);
	/* Another pass finds nothing, and does not forget what was found. */
	info = wait_until(c, has_ended, info.scrub_ended);
	assert_int_equal(info.scrub_rotten_ever, 3);
	assert_int_equal(sample_read(c, &rotten), 0);
	blob_buffer_put(page);
	close_scrubbed(c, scrub);
	sample_release(&sound);
	sample_release(&rotten);
}

/* As if the pass had begun that many seconds ago. */
static void set_begun(struct cache *c, int64_t ago)
{
	struct scrub_record was, now;
	int rc;

	do {
		assert_int_equal(scrub_record_get(c->metadata, &was), 0);
		now = was;
		now.begun = clock_realtime() / NS_PER_SECOND - ago;
		rc = scrub_record_swap(c->metadata, DEADLINE_NONE, &was, &now);
	} while (rc == ERR_CHANGED);
	assert_int_equal(rc, 0);
}

/* It goes on where it stopped, over restarts: each piece is looked at once in a pass. */
static void test_goes_on(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct scrub *scrub;
	struct sample s[4];
	struct cache_info info;
	uint64_t all = 0, half;

	for (unsigned i = 0; i < 4; i++) {
		s[i] = sample_make(10 + i, 16);
		sample_put_all(c, &s[i]);
		all += s[i].ref.size;
	}
	assert_int_equal(cache_flush(c), 0);
	set_begun(c, 50);
	cache_close(c);
	c = open_scrubbed(*state, 100, &scrub);
	info = wait_until(c, has_looked, 0);
	close_scrubbed(c, scrub);
	c = sample_open(*state, 0);
	assert_int_equal(cache_info(c, &info), 0);
	half = info.scrub_bytes;
	assert_true(half >= all / 4 && half <= all * 3 / 4);
	set_begun(c, 101);
	cache_close(c);
	c = open_scrubbed(*state, 100, &scrub);
	info = wait_until(c, has_ended, 0);
	assert_int_equal(info.scrub_bytes, all);
	close_scrubbed(c, scrub);
	for (unsigned i = 0; i < 4; i++)
		sample_release(&s[i]);
}

/* Another user of the cache that lives, as this one sees it. */
struct other {
	int lock, user;
};

static int lock_file(const char *directory, const char *name, int how)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, how | LOCK_NB), 0);
	return fd;
}

static struct other other_begin(const char *directory)
{
	return (struct other){lock_file(directory, "lock", LOCK_SH),
		lock_file(directory, "users/00000999", LOCK_EX)};
}

static void other_end(const struct other *o)
{
	close(o->user);
	close(o->lock);
}

static void give_turn(struct cache *c, uint32_t user, int64_t ago)
{
	struct scrub_record was, now = {.user = user};

	assert_int_equal(scrub_record_get(c->metadata, &was), 0);
	now.seen = clock_realtime() / NS_PER_SECOND - ago;
	now.begun = 1;
	assert_int_equal(scrub_record_swap(c->metadata, DEADLINE_NONE, &was, &now), 0);
}

/* One at a time; who is dead, or was not seen for long, does not keep the others out. */
static void test_turns(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct scrub *scrub;
	struct cache_info info;
	struct other other;

	give_turn(c, 0x999, 0);
	cache_close(c);
	other = other_begin(*state);
	c = open_scrubbed(*state, 1, &scrub);
	usleep(300000); /* thirty looks */
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.scrub_begun, 1);
	other_end(&other);
	wait_until(c, has_ended, 0);
	close_scrubbed(c, scrub);

	c = sample_open(*state, 0);
	give_turn(c, 0x999, 3600);
	cache_close(c);
	other = other_begin(*state);
	c = open_scrubbed(*state, 1, &scrub);
	wait_until(c, has_ended, 0);
	close_scrubbed(c, scrub);
	other_end(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		SAMPLE_TEST(test_a_pass),
		SAMPLE_TEST(test_goes_on),
		SAMPLE_TEST(test_turns),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
