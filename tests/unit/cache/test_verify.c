/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "cache/meta/records.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

struct found {
	struct cache_rot rot[8];
	unsigned count;
	uint64_t done, total;
};

static int note(void *ctx, const struct cache_rot *rot)
{
	struct found *f = ctx;

	assert_true(f->count < 8);
	f->rot[f->count++] = *rot;
	return 0;
}

static void watch(void *ctx, uint64_t done, uint64_t total)
{
	struct found *f = ctx;

	assert_true(done <= total);
	f->done = done;
	f->total = total;
}

static struct found verify(struct cache *c, bool repair, uint64_t *bytes)
{
	struct found f = {.count = 0};
	struct cache_verify v = {
		.repair = repair, .rotten = note, .progress = watch, .ctx = &f};

	assert_int_equal(cache_verify(c, &v), 0);
	assert_int_equal(v.bad, f.count);
	assert_int_equal(f.done, f.total);
	*bytes = v.bytes;
	return f;
}

static void rot_on_disk(const char *directory, const struct digest *object, off_t offset)
{
	char *path = sample_object_path(directory, object);
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
	free(path);
}

static void test_sound_cache(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample one = sample_make(1, 1), many = sample_make(2, 9);
	struct blob_buffer *page = sample_page(1, 20);
	struct found f;
	uint64_t bytes;

	f = verify(c, true, &bytes);
	assert_int_equal(f.count, 0);
	sample_put_all(c, &one);
	sample_put(c, &many, 3);
	sample_put(c, &many, 8);
	assert_int_equal(cache_put_page(c, page), 0);
	f = verify(c, true, &bytes);
	assert_int_equal(f.count, 0);
	assert_true(bytes >= one.ref.size + SAMPLE_CHUNK + sample_chunk_size(&many, 8) +
				     blob_buffer_span(page).size);
	assert_int_equal(sample_read(c, &one), 0);
	blob_buffer_put(page);
	cache_close(c);
	sample_release(&one);
	sample_release(&many);
}

static void test_rot_is_found_and_repaired(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample one = sample_make(3, 1), many = sample_make(4, 6);
	struct want w = sample_want(c, &many, 2);
	struct cache_info info;
	struct found f;
	uint64_t bytes;

	sample_put_all(c, &one);
	sample_put_all(c, &many);
	assert_int_equal(cache_flush(c), 0);
	rot_on_disk(*state, &one.ref.digest, 77);
	rot_on_disk(*state, &many.ref.digest, 2 * SAMPLE_CHUNK + 5);
	/* Without repair nothing changes, and it is found again. */
	for (int i = 0; i < 3; i++) {
		f = verify(c, i == 2, &bytes);
		assert_int_equal(f.count, 2);
	}
	for (unsigned i = 0; i < 2; i++) {
		if (digest_equal(&f.rot[i].object, &one.ref.digest)) {
			assert_true(digest_equal(&f.rot[i].chunk, &one.ref.digest));
			assert_int_equal(f.rot[i].size, one.ref.size);
			continue;
		}
		assert_true(digest_equal(&f.rot[i].object, &many.ref.digest));
		assert_true(digest_equal(&f.rot[i].chunk, &w.digest));
		assert_int_equal(f.rot[i].start, 2 * SAMPLE_CHUNK);
		assert_int_equal(f.rot[i].size, SAMPLE_CHUNK);
	}
	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	assert_int_equal(sample_read(c, &many), ERR_PENDING);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.resident, many.ref.size - SAMPLE_CHUNK);
	assert_int_equal(info.objects, 1);
	/* Just that chunk is brought again. */
	assert_int_equal(sample_put(c, &many, 2), 0);
	assert_int_equal(sample_read(c, &many), 0);
	f = verify(c, true, &bytes);
	assert_int_equal(f.count, 0);
	assert_int_equal(sample_read(c, &many), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &many), 0);
	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	cache_close(c);
	sample_release(&one);
	sample_release(&many);
}

static void test_rotten_page(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct blob_buffer *page = sample_page(5, 20);
	struct found f;
	unsigned rows;
	uint64_t bytes;

	assert_int_equal(cache_put_page(c, page), 0);
	assert_int_equal(cache_flush(c), 0);
	/* Also one that was read, and trusted, before. */
	assert_int_equal(sample_find_page(c, 5, &rows), 0);
	assert_int_equal(sample_flip_raw(c->metadata, TABLE_PAGES,
				 span_of_digest(blob_buffer_digest(page)), 200),
		0);
	f = verify(c, true, &bytes);
	assert_int_equal(f.count, 1);
	assert_true(digest_equal(&f.rot[0].object, blob_buffer_digest(page)));
	assert_true(digest_is_zero(&f.rot[0].chunk));
	assert_int_equal(sample_find_page(c, 5, &rows), ERR_PENDING);
	blob_buffer_put(page);
	cache_close(c);
}

static void test_chunk_without_a_row(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(6, 4);
	struct object_record r;
	uint8_t key[CHUNK_KEY_SIZE];
	struct found f;
	uint64_t bytes;
	MDB_txn *txn;

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(metadata_read(c->metadata, &txn), 0);
	assert_int_equal(object_record_get(c->metadata, txn, &s.id, &r), 0);
	metadata_read_end(c->metadata, txn);
	object_record_release(&r);
	assert_int_equal(sample_flip_raw(c->metadata, TABLE_CHUNKS,
				 chunk_key(r.instance, 1, key), 20),
		0);
	f = verify(c, true, &bytes);
	assert_int_equal(f.count, 1);
	assert_true(digest_equal(&f.rot[0].object, &s.ref.digest));
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_sound_cache),
		SAMPLE_TEST(test_rot_is_found_and_repaired),
		SAMPLE_TEST(test_rotten_page),
		SAMPLE_TEST(test_chunk_without_a_row),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
