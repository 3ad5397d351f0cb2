/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "cache/write/writer.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

/* An object of one tiny chunk. */
static int put_tiny(struct cache *c, unsigned number)
{
	struct want w = {.kind = BLOB_CHUNK, .size = 4, .object_size = 4, .chunks = 1};

	w.digest = digest_of(&number, sizeof number);
	w.object = object_id_of_chunk(&w.digest);
	return cache_put_chunk(c, &w, span_of(&number, sizeof number), false);
}

/* More marks than one transaction takes. */
static void test_many_marks(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct want w = {.kind = BLOB_CHUNK, .size = 4, .object_size = 4 * 10000};
	struct cache_info info;

	w.chunks = 10000;
	w.object.digest = digest_of("many", 4);
	for (unsigned i = 0; i < 10000; i++) {
		w.digest = digest_of(&i, sizeof i);
		w.ordinal = i;
		w.start = 4 * i;
		assert_int_equal(cache_put_chunk(c, &w, span_of(&i, sizeof i), false), 0);
	}
	assert_int_equal(cache_flush(c), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.objects, 1);
	assert_int_equal(info.complete, 1);
	assert_int_equal(info.resident, 40000);
	cache_close(c);
}

static void *put_pages(void *arg)
{
	struct cache *c = arg;

	for (unsigned i = 0; i < 12; i++) {
		struct digest name = digest_of(&i, sizeof i);
		struct blob_buffer *a = blob_buffer_new(BLOB_PAGE, &name, 4 << 20);

		memset(blob_buffer_data(a), (int)i, 4 << 20);
		if (cache_put_page(c, a))
			abort();
		blob_buffer_put(a);
	}
	return NULL;
}

/* Who puts too much at once waits, and is let go. */
static void test_pages_are_bounded(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct cache_info info;
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, put_pages, c);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.pages, 12);
	cache_close(c);
}

static void *flush_on(void *arg)
{
	struct cache *c = arg;

	for (unsigned i = 0; i < 20; i++)
		if (put_tiny(c, 1000 + i % 3) || cache_flush(c))
			abort();
	return NULL;
}

static void test_many_flushes(void **state)
{
	struct cache *c = sample_open(*state, 0);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, flush_on, c);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(cache_flush(c), 0);
	cache_close(c);
}

/* What is handed over in this order has its effect in this order. */
static void test_order(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(1, 3);
	struct want w = sample_want(c, &s, 1);
	struct object *o;

	sample_put_all(c, &s);
	assert_int_equal(object_open(c, &s.id, &w, &o), 0);
	object_io_drop_chunk(c, o, &w, ERR_CORRUPT);
	assert_false(cache_has(c, &w));
	assert_int_equal(sample_put(c, &s, 1), 0);
	object_put(o);
	assert_int_equal(cache_flush(c), 0);
	assert_true(cache_has(c, &w));
	/* And put first, dropped then. */
	assert_int_equal(object_open(c, &s.id, &w, &o), 0);
	object_io_drop_chunk(c, o, &w, ERR_CORRUPT);
	assert_int_equal(sample_put(c, &s, 1), 0);
	object_io_drop_chunk(c, o, &w, ERR_CORRUPT);
	object_put(o);
	assert_int_equal(cache_flush(c), 0);
	assert_false(cache_has(c, &w));
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_many_marks),
		SAMPLE_TEST(test_pages_are_bounded),
		SAMPLE_TEST(test_many_flushes),
		SAMPLE_TEST(test_order),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
