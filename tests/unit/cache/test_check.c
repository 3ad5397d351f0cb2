/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "cache/check.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

/* At the first chunk of the only object. */
static void begin(struct check *k, struct cache *c)
{
	const struct check_place from = {.stage = CHECK_OBJECTS};
	struct check_piece piece;

	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(check_open(k, c, &from), 0);
	assert_int_equal(check_next(k, &piece), 0);
	assert_int_equal(piece.bytes, 0);
	assert_non_null(k->object);
}

struct count {
	unsigned sound, rotten;
	uint64_t bytes;
};

static struct count go_on(struct check *k, bool drop)
{
	struct count n = {.sound = 0};
	struct check_piece piece;
	int rc;

	while ((rc = check_next(k, &piece)) == 0) {
		n.rotten += piece.rotten;
		n.sound += !piece.rotten && piece.bytes;
		n.bytes += piece.bytes;
		if (piece.rotten && drop)
			check_drop(k, &piece);
	}
	assert_int_equal(rc, ERR_ABSENT);
	assert_int_equal(check_next(k, &piece), ERR_ABSENT);
	return n;
}

static void overwrite(const char *path, off_t at, size_t size)
{
	uint8_t *junk = calloc(1, size);
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, size, at), size);
	close(fd);
	free(junk);
}

static uint64_t rows_left(struct cache *c)
{
	MDB_txn *txn;
	uint64_t rows;

	write_queue_urge(c->queue);
	assert_int_equal(metadata_read(c->metadata, &txn), 0);
	rows = table_count(c->metadata, txn, TABLE_CHUNKS);
	metadata_read_end(c->metadata, txn);
	return rows;
}

/* Until the rows of what was thrown out are deleted. */
static void wait_for_purge(struct cache *c)
{
	AWAIT(rows_left(c) == 0);
}

/* What is evicted while it is looked at is no rot, whenever that happens. */
static void test_evicted_before_its_row_is_read(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(1, 6);
	struct check_piece piece;
	struct check k;
	struct count n;
	uint64_t freed;

	sample_put_all(c, &s);
	begin(&k, c);
	assert_int_equal(check_next(&k, &piece), 0);
	assert_int_equal(piece.bytes, SAMPLE_CHUNK);
	assert_int_equal(cache_evict_object(c, &s.id, false, &freed), 0);
	wait_for_purge(c);
	n = go_on(&k, true);
	assert_int_equal(n.rotten, 0);
	assert_int_equal(n.sound, 0);
	check_close(&k);
	cache_close(c);
	sample_release(&s);
}

/* The same between the look at the row and the read of the bytes, and its bytes are gone
 * as well. */
static void test_evicted_before_its_bytes_are_read(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(2, 6);
	struct check_piece piece = {.bytes = 0};
	struct want w;
	struct check k;
	uint64_t freed;

	sample_put_all(c, &s);
	begin(&k, c);
	assert_int_equal(check_find_chunk(&k, 3, &w), 0);
	assert_int_equal(cache_evict_object(c, &s.id, false, &freed), 0);
	assert_int_equal(ftruncate(k.object->fd, 0), 0);
	assert_int_equal(check_chunk(&k, &w, &piece), ERR_ABSENT);
	assert_false(piece.rotten);
	/* And when it is there again, in another file. */
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(check_chunk(&k, &w, &piece), ERR_ABSENT);
	assert_int_equal(check_find_chunk(&k, 4, &w), ERR_ABSENT);
	assert_int_equal(go_on(&k, false).rotten, 0);
	check_close(&k);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* A chunk that was dropped and is being written again. */
static void test_dropped_before_its_bytes_are_read(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(3, 6);
	struct check_piece piece = {.bytes = 0};
	struct want w, full = sample_want(c, &s, 3);
	struct object *o;
	struct check k;
	struct count n;

	sample_put_all(c, &s);
	begin(&k, c);
	assert_int_equal(check_find_chunk(&k, 3, &w), 0);
	assert_int_equal(object_open(c, &s.id, &full, &o), 0);
	object_io_drop_chunk(c, o, &full, ERR_CORRUPT);
	object_put(o);
	assert_int_equal(cache_flush(c), 0);
	{
		static const uint8_t half[100];

		assert_int_equal(pwrite(k.object->fd, half, sizeof half, (off_t)w.start),
			sizeof half);
	}
	assert_int_equal(check_chunk(&k, &w, &piece), ERR_ABSENT);
	assert_false(piece.rotten);
	/* The others are looked at, all of them. */
	n = go_on(&k, true);
	assert_int_equal(n.rotten, 0);
	assert_int_equal(n.sound, 5);
	check_close(&k);
	cache_close(c);
	sample_release(&s);
}

/* Rot that is thrown out as it is found does not hide the rest. */
static void test_all_rot_of_an_object(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(4, 6);
	struct check k;
	struct count n;
	char *path;

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	path = sample_object_path(*state, &s.ref.digest);
	overwrite(path, SAMPLE_CHUNK - 10, 20); /* chunks 0 and 1 */
	overwrite(path, 4 * SAMPLE_CHUNK + 5, 1);
	free(path);
	begin(&k, c);
	n = go_on(&k, true);
	assert_int_equal(n.rotten, 3);
	assert_int_equal(n.sound, 3);
	check_close(&k);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	begin(&k, c);
	n = go_on(&k, true);
	assert_int_equal(n.rotten, 0);
	assert_int_equal(n.sound, 3);
	check_close(&k);
	cache_close(c);
	sample_release(&s);
}

/* From any place, kept as a value, it goes on with what is behind it. */
static void test_places(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s[5];
	struct check_place place = {.begun = false};
	uint64_t bytes = 0;
	unsigned steps = 0;

	for (unsigned i = 0; i < 5; i++) {
		struct blob_buffer *page = sample_page(i, 10);

		s[i] = sample_make(10 + i, 1 + i);
		sample_put_all(c, &s[i]);
		bytes += s[i].ref.size;
		assert_int_equal(cache_put_page(c, page), 0);
		blob_buffer_put(page);
	}
	assert_int_equal(cache_flush(c), 0);
	while (place.stage != CHECK_ENDED) {
		struct check_piece piece;
		struct check k;

		assert_int_equal(check_open(&k, c, &place), 0);
		/* The step that opens an object is not kept. */
		do {
			assert_int_equal(check_next(&k, &piece), 0);
			assert_true(steps++ < 100);
		} while (!piece.bytes && k.place.stage != CHECK_ENDED);
		assert_false(piece.rotten);
		bytes -= k.place.stage == CHECK_OBJECTS ? piece.bytes : 0;
		place = k.place;
		check_close(&k);
	}
	assert_int_equal(bytes, 0);
	cache_close(c);
	for (unsigned i = 0; i < 5; i++)
		sample_release(&s[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_evicted_before_its_row_is_read),
		SAMPLE_TEST(test_evicted_before_its_bytes_are_read),
		SAMPLE_TEST(test_dropped_before_its_bytes_are_read),
		SAMPLE_TEST(test_all_rot_of_an_object),
		SAMPLE_TEST(test_places),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
