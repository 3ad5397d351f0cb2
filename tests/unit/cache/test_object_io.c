/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>

#include "cache/write/writer.h"
#include "cache/objects/open_objects.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "cache/meta/records.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

static void test_marks_are_seen_at_once(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(1, 5);
	struct want w = sample_want(c, &s, 2);
	struct object *o;

	assert_false(cache_has(c, &w));
	assert_int_equal(object_open(c, &s.id, NULL, &o), ERR_ABSENT);
	assert_int_equal(sample_put(c, &s, 2), 0);
	assert_true(cache_has(c, &w));
	assert_int_equal(object_open(c, &s.id, &w, &o), 0);
	assert_true(object_io_has(c, o, 2));
	assert_false(object_io_has(c, o, 1));
	assert_false(object_io_has(c, o, 5));
	assert_false(object_io_is_complete(c, o));
	/* The same again changes nothing. */
	assert_int_equal(sample_put(c, &s, 2), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(sample_put(c, &s, i), 0);
	assert_true(object_io_is_complete(c, o));
	object_put(o);
	cache_close(c);
	sample_release(&s);
}

static void test_refuses_wrong_places(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(2, 5);
	struct want good = sample_want(c, &s, 2), w;
	static const uint8_t content[SAMPLE_CHUNK];

	w = good;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size - 1), false), ERR_INVALID);
	w.start = UINT64_MAX;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_INVALID);
	w = good;
	w.start = w.object_size - w.size + 1;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_INVALID);
	w = good;
	w.ordinal = w.chunks;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_INVALID);
	w = good;
	w.chunks = UINT64_C(1) << 40;
	w.object_size = UINT64_C(1) << 45;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_LIMIT);
	w = good;
	w.object_size = UINT64_MAX / 2;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_LIMIT);
	w = good;
	w.kind = BLOB_PAGE;
	assert_int_equal(
		cache_put_chunk(c, &w, span_of(content, w.size), false), ERR_INVALID);
	assert_false(cache_has(c, &good));
	cache_close(c);
	sample_release(&s);
}

/* A dataset that claims another object's digest for chunks of its own. */
static void test_another_layout_is_kept_apart(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample honest = sample_make(3, 6), liar = sample_make(4, 6);

	liar.ref.digest = honest.ref.digest;
	liar.ref.size = honest.ref.size;
	/* The same sizes, other bytes: number % 100 sets the last one's. */
	liar.number = 103;
	for (uint32_t i = 0; i < 6; i++) {
		uint8_t content[SAMPLE_CHUNK];
		struct chunk_ref chunk = {.size = sample_chunk_size(&liar, i)};

		sample_fill(liar.number, i, content, chunk.size);
		chunk.digest = digest_of(content, chunk.size);
		chunk_list_put(liar.list, i, &chunk);
	}
	liar.ref.layout = digest_of(liar.list, 6 * CHUNK_RECORD_SIZE);
	sample_put_all(c, &liar);
	assert_int_equal(sample_read(c, &liar), 0);
	assert_int_equal(sample_read(c, &honest), ERR_PENDING);
	sample_put_all(c, &honest);
	assert_int_equal(sample_read(c, &honest), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &honest), 0);
	assert_int_equal(sample_read(c, &liar), 0);
	cache_close(c);
	sample_release(&honest);
	sample_release(&liar);
}

static void test_truncated_file(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(5, 4);
	char *path;

	/* While it is open ... */
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	path = sample_object_path(*state, &s.ref.digest);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);

	/* ... and before it is opened. */
	path = sample_object_path(*state, &s.ref.digest);
	assert_int_equal(truncate(path, 100), 0);
	free(path);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);

	/* No file, and a directory in its place. */
	path = sample_object_path(*state, &s.ref.digest);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	free(path);
	sample_release(&s);
}

/* Cut while it is open and being filled: the next chunk must not make it whole again. */
static void test_cut_while_filled(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(9, 4);
	char *path;
	int rc;

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(sample_put(c, &s, i), 0);
	assert_int_equal(cache_flush(c), 0);
	path = sample_object_path(*state, &s.ref.digest);
	assert_int_equal(truncate(path, 100), 0);
	free(path);
	rc = sample_put(c, &s, 3);
	assert_true(rc == ERR_ABSENT || rc == ERR_BUSY);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

static void test_garbage_record(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(6, 4);
	struct cache_info info;

	sample_put_all(c, &s);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(
		sample_flip_raw(c->metadata, TABLE_OBJECTS, span_of_object(&s.id), 70), 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	/* The totals are counted again. */
	AWAIT(cache_info(c, &info) == 0 && info.resident == s.ref.size);
	assert_int_equal(info.objects, 1);
	cache_close(c);
	sample_release(&s);
}

static void test_evicted_while_open(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(7, 4);
	struct want w = sample_want(c, &s, 1);
	uint8_t got[1000], expected[SAMPLE_CHUNK];
	struct object *o;
	uint64_t freed;

	sample_put_all(c, &s);
	assert_int_equal(object_open(c, &s.id, &w, &o), 0);
	assert_int_equal(cache_evict_object(c, &s.id, false, &freed), 0);
	assert_int_equal(freed, s.ref.size);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	/* Whoever reads goes on reading right bytes, also when it is brought again. */
	sample_put_all(c, &s);
	sample_fill(s.number, 1, expected, w.size);
	assert_int_equal(object_io_read(c, o, &w, 10, got, sizeof got), 0);
	assert_memory_equal(got, expected + 10, sizeof got);
	assert_int_equal(sample_read(c, &s), 0);
	object_put(o);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* What is lent stays, for this process and for any other, until the last copy of the
 * descriptor is closed; everything else goes. */
static void test_lent_is_not_evicted(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(31, 3), other = sample_make(32, 3);
	struct entry e = {.type = ENTRY_FILE, .has_content = true};
	struct attempt a;
	uint8_t byte, expected;
	uint64_t freed;
	int fd = -1, copy;

	e.size = s.ref.size;
	e.object = s.ref;
	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
		assert_int_equal(sample_put(c, &s, i), 0);
		assert_int_equal(sample_put(c, &other, i), 0);
	}
	assert_int_equal(a.want_count, 0);
	assert_int_equal(cache_flush(c), 0);
	/* A part of an object, or more than it, is not lent. */
	e.size--;
	assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
	e.size++, e.offset = 1;
	assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
	e.offset = 0;
	/* What is not on the disk yet may be lost where nobody looks. */
	assert_int_equal(attempt_lend(&a, &e, &fd), ERR_ABSENT);
	sample_put_on_disk(c, &s);
	assert_int_equal(attempt_lend(&a, &e, &fd), 0);
	attempt_end(&a);
	copy = dup(fd);
	close(fd);

	assert_int_equal(cache_evict_object(c, &s.id, true, &freed), ERR_BUSY);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(freed, other.ref.size);
	sample_fill(31, 2, &expected, 1);
	assert_int_equal(pread(copy, &byte, 1, 2 * SAMPLE_CHUNK), 1);
	assert_int_equal(byte, expected);
	close(copy);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(freed, s.ref.size);
	cache_close(c);
	sample_release(&s);
	sample_release(&other);
}

static void test_marks_for_an_evicted_object_are_void(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(8, 4);
	struct want w = sample_want(c, &s, 3);
	struct object *o;
	uint64_t freed;

	assert_int_equal(sample_put(c, &s, 0), 0);
	assert_int_equal(object_open(c, &s.id, &w, &o), 0);
	assert_int_equal(cache_evict_object(c, &s.id, false, &freed), 0);
	/* A mark that comes late, for the instance that is gone. */
	assert_int_equal(write_queue_reserve(c->queue, 2 * SAMPLE_CHUNK), 0);
	reservation_cancel(write_queue_reservation(c->queue),
		2 * SAMPLE_CHUNK - chunk_cost(w.start, w.size));
	assert_int_equal(write_queue_mark(c->queue, o, &w), 0);
	assert_int_equal(cache_flush(c), 0);
	object_put(o);
	assert_false(cache_has(c, &w));
	cache_close(c);
	sample_release(&s);
}

#define WORKERS 4
#define OBJECTS 24

struct crowd {
	struct cache *cache;
	struct sample samples[OBJECTS];
	atomic_uint wrong, hits, turn;
};

static void *fill_read_evict(void *arg)
{
	struct crowd *k = arg;
	unsigned seed = atomic_fetch_add(&k->turn, 1) * 77 + 1;

	for (unsigned i = 0; i < 150; i++) {
		struct sample *s = &k->samples[(unsigned)rand_r(&seed) % OBJECTS];
		uint64_t freed;
		int rc;

		for (uint32_t n = 0; n < s->count; n++) {
			rc = sample_put(k->cache, s, n);
			if (rc && rc != ERR_NO_SPACE && rc != ERR_BUSY)
				atomic_fetch_add(&k->wrong, 1);
		}
		rc = sample_read(k->cache, s);
		if (rc == 0)
			atomic_fetch_add(&k->hits, 1);
		else if (rc != ERR_PENDING)
			atomic_fetch_add(&k->wrong, 1);
		if (i % 20 == 0)
			cache_evict_object(k->cache, &s->id, false, &freed);
		if (i % 50 == 0)
			cache_evict_to(k->cache, UINT64_C(2) << 20, &freed);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct crowd k = {.cache = sample_open(*state, UINT64_C(16) << 20)};
	pthread_t threads[WORKERS];

	for (unsigned i = 0; i < OBJECTS; i++)
		k.samples[i] = sample_make(500 + i, 1 + i % 9);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, fill_read_evict, &k);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(k.wrong, 0);
	assert_true(k.hits > 50);
	cache_close(k.cache);
	/* And what is left is right. */
	k.cache = sample_open(*state, 0);
	for (unsigned i = 0; i < OBJECTS; i++) {
		int rc = sample_read(k.cache, &k.samples[i]);

		assert_true(rc == 0 || rc == ERR_PENDING);
		sample_release(&k.samples[i]);
	}
	cache_close(k.cache);
}

static void test_table_is_bounded(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct open_objects *h = open_objects_new(16);
	struct sample s[60];
	struct object **list;
	size_t count;

	for (unsigned i = 0; i < 60; i++) {
		struct object *o;

		s[i] = sample_make(700 + i, 1);
		sample_put_all(c, &s[i]);
		assert_int_equal(cache_flush(c), 0);
		/* Into a table of its own. */
		o = open_objects_find(c->open_objects, &s[i].id);
		assert_non_null(o);
		open_objects_remove(c->open_objects, o);
		object_put(open_objects_add(h, o));
	}
	assert_int_equal(open_objects_list(h, &list, &count), 0);
	assert_true(count > 0 && count <= 16);
	for (size_t i = 0; i < count; i++)
		object_put(list[i]);
	free(list);
	open_objects_free(h);
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(sample_read(c, &s[i]), 0);
		sample_release(&s[i]);
	}
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_marks_are_seen_at_once),
		SAMPLE_TEST(test_refuses_wrong_places),
		SAMPLE_TEST(test_another_layout_is_kept_apart),
		SAMPLE_TEST(test_truncated_file),
		SAMPLE_TEST(test_cut_while_filled),
		SAMPLE_TEST(test_garbage_record),
		SAMPLE_TEST(test_evicted_while_open),
		SAMPLE_TEST(test_lent_is_not_evicted),
		SAMPLE_TEST(test_marks_for_an_evicted_object_are_void),
		SAMPLE_TEST(test_many_threads),
		SAMPLE_TEST(test_table_is_bounded),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
