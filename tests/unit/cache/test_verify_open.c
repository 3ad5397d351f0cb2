/* SPDX-License-Identifier: MIT */
/* What -o verify= promises: rot that nobody looked for is found before it is used. */
#include <fcntl.h>

#include "cache/object_io.h"
#include "cache/object_open.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

static struct cache *open_with(const char *directory, enum cache_verify_when verify)
{
	struct cache_options options = {
		.directory = directory, .set_quota = true, .verify = verify};
	struct cache *c = NULL;

	assert_int_equal(cache_open(&options, &c, NULL), 0);
	return c;
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

/* As if the table of open objects had been too small for it. */
static void close_object(struct cache *c, const struct sample *s)
{
	struct object *o = open_objects_find(c->open_objects, &s->id);

	assert_int_equal(cache_flush(c), 0);
	if (o)
		open_objects_remove(c->open_objects, o);
	object_put(o);
}

static void fill_and_close(const char *directory, const struct sample *s)
{
	struct cache *c = open_with(directory, CACHE_VERIFY_EPOCH);

	sample_put_all(c, s);
	cache_close(c);
}

static void test_rot_is_found_at_first_use(void **state)
{
	struct sample s = sample_make(1, 6);
	struct cache *c;

	fill_and_close(*state, &s);
	flip(*state, &s, 3 * SAMPLE_CHUNK + 5);
	c = open_with(*state, CACHE_VERIFY_EPOCH);
	assert_int_equal(sample_read(c, &s), SAMPLE_WRONG);
	cache_close(c);
	c = open_with(*state, CACHE_VERIFY_OPEN);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(sample_put(c, &s, 3), 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	c = open_with(*state, CACHE_VERIFY_OPEN);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* One hash for a chunk and process, also when the object is closed and opened again; what
 * is thrown out and brought again is another chunk. */
static void test_hashed_once(void **state)
{
	struct sample s = sample_make(2, 6);
	struct cache *c;

	fill_and_close(*state, &s);
	c = open_with(*state, CACHE_VERIFY_OPEN);
	assert_int_equal(sample_read(c, &s), 0);
	close_object(c, &s);
	flip(*state, &s, 100);
	assert_int_equal(sample_read(c, &s), SAMPLE_WRONG);
	{
		struct want w = sample_want(c, &s, 0);
		struct object *o;

		assert_int_equal(object_open(c, &s.id, &w, &o), 0);
		object_io_drop_chunk(c, o, &w, ERR_CORRUPT);
		object_put(o);
	}
	assert_int_equal(sample_put(c, &s, 0), 0);
	assert_int_equal(sample_read(c, &s), 0);
	close_object(c, &s);
	flip(*state, &s, 100);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	cache_close(c);
	sample_release(&s);
}

/* The kernel reads what it is lent by itself: all of it is hashed before. */
static void test_lent_when_hashed(void **state)
{
	struct sample s = sample_make(3, 6);
	struct entry e = {.type = ENTRY_FILE, .has_content = true, .size = s.ref.size};
	struct attempt a;
	struct cache *c;
	int fd;

	e.object = s.ref;
	fill_and_close(*state, &s);
	flip(*state, &s, SAMPLE_CHUNK + 1);
	c = open_with(*state, CACHE_VERIFY_OPEN);
	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
	assert_int_equal(sample_put(c, &s, 1), 0);
	sample_put_on_disk(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	close_object(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	assert_int_equal(attempt_lend(&a, &e, &fd), 0);
	close(fd);
	/* Known from before, when it is opened anew. */
	close_object(c, &s);
	assert_int_equal(attempt_lend(&a, &e, &fd), 0);
	close(fd);
	attempt_end(&a);
	cache_close(c);
	sample_release(&s);
}

/* What another process brings is hashed, what this one writes was. */
static void test_own_writes(void **state)
{
	struct cache *c = open_with(*state, CACHE_VERIFY_OPEN);
	struct sample s = sample_make(4, 6);
	struct entry e = {.type = ENTRY_FILE, .has_content = true, .size = s.ref.size};
	struct attempt a;
	int fd;

	e.object = s.ref;
	sample_put_all(c, &s);
	sample_put_on_disk(c, &s);
	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	assert_int_equal(attempt_lend(&a, &e, &fd), 0);
	close(fd);
	attempt_end(&a);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_rot_is_found_at_first_use),
		SAMPLE_TEST(test_hashed_once),
		SAMPLE_TEST(test_lent_when_hashed),
		SAMPLE_TEST(test_own_writes),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
