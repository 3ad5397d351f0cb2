/* SPDX-License-Identifier: MIT */
#include "cache/write/writer.h"
#include "cache/dataset_state.h"
#include "cache/object_open.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

static void test_info(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(1) << 30);
	struct sample whole = sample_make(1, 4), part = sample_make(2, 4);
	struct blob_buffer *page = sample_page(1, 5);
	struct cache_info info;

	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.objects, 0);
	assert_int_equal(info.resident, 0);
	assert_int_equal(info.quota, UINT64_C(1) << 30);
	assert_int_equal(info.floor, 0);
	sample_put_all(c, &whole);
	sample_put(c, &part, 1);
	assert_int_equal(cache_put_page(c, page), 0);
	blob_buffer_put(page);
	assert_int_equal(cache_pin(c, "here", &part.id), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.objects, 2);
	assert_int_equal(info.complete, 1);
	assert_int_equal(info.resident, whole.ref.size + SAMPLE_CHUNK);
	assert_int_equal(info.pinned, SAMPLE_CHUNK);
	assert_int_equal(info.pages, 1);
	assert_true(info.metadata > 0);
	assert_true(info.disk_free > 0);
	cache_close(c);
	sample_release(&whole);
	sample_release(&part);
}

static void test_default_limits(void **state)
{
	struct cache_options options = {.directory = *state};
	struct cache_info info;
	struct cache *c;

	assert_int_equal(cache_open(&options, &c, NULL), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.quota, 0);
	assert_int_equal(info.floor, CACHE_FLOOR_DEFAULT);
	cache_close(c);
}

struct seen {
	unsigned count;
	uint64_t resident;
	int stop;
};

static int see(void *ctx, const struct cache_object *o)
{
	struct seen *s = ctx;

	s->count++;
	s->resident += o->resident;
	assert_true(o->present <= o->chunks);
	assert_true(o->last_use > 1600000000);
	return s->stop;
}

static void test_objects(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct seen seen = {0};
	struct cache_object o;
	uint64_t resident = 0;
	struct sample s;

	/* More than one run of a scan. */
	for (unsigned i = 0; i < 300; i++) {
		struct want w = {
			.kind = BLOB_CHUNK, .size = 4, .object_size = 4, .chunks = 1};

		w.digest = digest_of(&i, sizeof i);
		w.object = object_id_of_chunk(&w.digest);
		assert_int_equal(cache_put_chunk(c, &w, span_of(&i, sizeof i), false), 0);
		resident += 4;
	}
	s = sample_make(3, 2);
	sample_put(c, &s, 1);
	resident += sample_chunk_size(&s, 1);
	assert_int_equal(cache_each_object(c, see, &seen), 0);
	assert_int_equal(seen.count, 301);
	assert_int_equal(seen.resident, resident);
	seen = (struct seen){.stop = 42};
	assert_int_equal(cache_each_object(c, see, &seen), 42);
	assert_int_equal(seen.count, 1);
	assert_int_equal(cache_find_object(c, &s.id, &o), 0);
	assert_int_equal(o.size, s.ref.size);
	assert_int_equal(o.present, 1);
	assert_int_equal(o.chunks, 2);
	assert_false(o.pinned);
	o.id.layout.bytes[0] ^= 1;
	assert_int_equal(cache_find_object(c, &o.id, &o), ERR_ABSENT);
	cache_close(c);
	sample_release(&s);
}

static uint64_t rows_of_objects(struct cache *c)
{
	MDB_txn *txn;
	uint64_t rows;

	write_queue_urge(c->queue);
	assert_int_equal(metadata_read(c->metadata, &txn), 0);
	rows = table_count(c->metadata, txn, TABLE_CHUNKS) +
	       table_count(c->metadata, txn, TABLE_PLACES) +
	       table_count(c->metadata, txn, TABLE_PURGE) +
	       table_count(c->metadata, txn, TABLE_USE);
	metadata_read_end(c->metadata, txn);
	return rows;
}

static void test_evict(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s[10];
	struct cache_info info;
	uint64_t freed, all = 0;

	for (unsigned i = 0; i < 10; i++) {
		s[i] = sample_make(10 + i, 3);
		sample_put_all(c, &s[i]);
		all += s[i].ref.size;
	}
	assert_int_equal(cache_pin(c, "p", &s[0].id), 0);
	assert_int_equal(cache_evict_object(c, &s[0].id, false, &freed), ERR_BUSY);
	assert_int_equal(cache_evict_object(c, &s[1].id, false, &freed), 0);
	assert_int_equal(freed, s[1].ref.size);
	assert_int_equal(cache_evict_object(c, &s[1].id, false, &freed), ERR_ABSENT);
	assert_int_equal(cache_evict_to(c, all / 2, &freed), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_true(info.resident <= all / 2 && info.resident > all / 4);
	/* What is pinned stays. */
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.resident, s[0].ref.size);
	assert_int_equal(sample_read(c, &s[0]), 0);
	assert_int_equal(cache_evict_object(c, &s[0].id, true, &freed), 0);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.resident, 0);
	assert_int_equal(info.objects, 0);
	/* Their rows go with them, in a while. */
	AWAIT(rows_of_objects(c) == 0);
	cache_close(c);
	for (unsigned i = 0; i < 10; i++)
		sample_release(&s[i]);
}

/* The order of eviction is that of last use. */
static void test_oldest_go_first(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s[4];
	uint64_t freed;
	struct object *o;

	for (unsigned i = 0; i < 4; i++) {
		s[i] = sample_make(20 + i, 1);
		sample_put_all(c, &s[i]);
	}
	assert_int_equal(cache_flush(c), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(object_open(c, &s[i].id, NULL, &o), 0);
		write_queue_use(c->queue, o, 2000000000 + (i + 2) % 4);
		/* Not in use by us now. */
		atomic_store(&o->touched, INT64_MIN / 2);
		object_put(o);
	}
	assert_int_equal(cache_flush(c), 0);
	/* Their uses are 2, 3, 0, 1. */
	assert_int_equal(cache_evict_to(c, 2 * s[0].ref.size + 1000, &freed), 0);
	assert_int_equal(sample_read(c, &s[2]), ERR_PENDING);
	assert_int_equal(sample_read(c, &s[3]), ERR_PENDING);
	assert_int_equal(sample_read(c, &s[0]), 0);
	assert_int_equal(sample_read(c, &s[1]), 0);
	cache_close(c);
	for (unsigned i = 0; i < 4; i++)
		sample_release(&s[i]);
}

static void test_clear(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct dataset_record d = {.name = strdup("d"), .url = strdup("file:///x")};
	struct sample s = sample_make(30, 2);
	struct dataset_record tag = {.name = strdup("d"), .url = strdup("file:///x#t")};
	struct digest id = digest_of("id", 2), tag_id = digest_of("tag", 3);
	unsigned rows;
	uint64_t freed;

	assert_int_equal(bytes_append_string(&tag.tag, "{}"), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct blob_buffer *page = sample_page(i, i + 1);

		assert_int_equal(cache_put_page(c, page), 0);
		if (i == 7)
			d.root = *blob_buffer_digest(page);
		if (i == 11)
			tag.root = *blob_buffer_digest(page);
		blob_buffer_put(page);
	}
	assert_int_equal(cache_dataset_save(c, &id, &d), 0);
	assert_int_equal(cache_dataset_save(c, &tag_id, &tag), 0);
	sample_put_all(c, &s);
	assert_int_equal(cache_clear(c, &freed), 0);
	assert_int_equal(freed, s.ref.size);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(
			sample_find_page(c, i, &rows), i == 7 || i == 11 ? 0 : ERR_PENDING);
	assert_int_equal(sample_find_page(c, 7, &rows), 0);
	assert_int_equal(rows, 8);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	dataset_record_release(&d);
	dataset_record_release(&tag);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_info),
		SAMPLE_TEST(test_default_limits),
		SAMPLE_TEST(test_objects),
		SAMPLE_TEST(test_evict),
		SAMPLE_TEST(test_oldest_go_first),
		SAMPLE_TEST(test_clear),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
