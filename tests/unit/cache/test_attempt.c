/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/cache_samples.h"

#include "cache/file_map.h"

static struct digest name_of(unsigned number)
{
	return digest_of(&number, sizeof number);
}

static void test_missing_pages_are_noted(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest one = name_of(1), two = name_of(2);
	struct recipe recipe;
	struct attempt a;
	struct page page;

	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_page(&a, &one, &page), ERR_PENDING);
	assert_int_equal(attempt_page(&a, &one, &page), ERR_PENDING);
	assert_int_equal(attempt_recipe(&a, &two, &recipe), ERR_PENDING);
	attempt_end(&a);
	assert_int_equal(a.want_count, 2);
	assert_int_equal(a.wants[0].kind, BLOB_PAGE);
	assert_int_equal(a.wants[0].size, PAGE_SIZE_MAX);
	assert_true(digest_equal(&a.wants[0].digest, &one));
	assert_int_equal(a.wants[1].kind, BLOB_RECIPE);
	cache_close(c);
}

static void test_hints_give_way(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name;
	struct attempt a;
	struct page page;

	attempt_begin(&a, c, NULL);
	for (unsigned i = 0; i < 40; i++) {
		name = name_of(i);
		attempt_hint_page(&a, &name);
	}
	assert_int_equal(a.want_count, WANTS_MAX);
	name = name_of(1000);
	assert_int_equal(attempt_page(&a, &name, &page), ERR_PENDING);
	attempt_end(&a);
	assert_int_equal(a.want_count, WANTS_MAX);
	assert_true(digest_equal(&a.wants[WANTS_MAX - 1].digest, &name));
	cache_close(c);
}

static void test_arrivals_serve(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct blob_buffers buffers = {0};
	struct digest name = name_of(9);
	struct sample s = sample_make(1, 3);
	uint8_t *got = malloc(s.ref.size), expected[SAMPLE_CHUNK];
	struct attempt a;
	struct page page;

	assert_int_equal(blob_buffers_add(&buffers, sample_page(9, 12)), 0);
	for (uint32_t i = 0; i < 3; i++) {
		struct want w = sample_want(c, &s, i);
		struct blob_buffer *chunk = blob_buffer_new(BLOB_CHUNK, &w.digest, w.size);

		sample_fill(1, i, blob_buffer_data(chunk), w.size);
		assert_int_equal(blob_buffers_add(&buffers, chunk), 0);
	}
	attempt_begin(&a, c, &buffers);
	assert_int_equal(attempt_page(&a, &name, &page), 0);
	assert_int_equal(page.count, 12);
	assert_int_equal(attempt_read(&a, &s.ref, 0, got, s.ref.size), 0);
	attempt_end(&a);
	sample_fill(1, 1, expected, SAMPLE_CHUNK);
	assert_memory_equal(got + SAMPLE_CHUNK, expected, SAMPLE_CHUNK);
	/* Nothing of it is in the cache. */
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	blob_buffers_release(&buffers);
	free(got);
	cache_close(c);
	sample_release(&s);
}

static void test_read_asks_for_all(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(2, 30);
	uint8_t *got = malloc(s.ref.size);
	struct attempt a;

	for (uint32_t i = 0; i < 30; i += 2)
		assert_int_equal(sample_put(c, &s, i), 0);
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_read(&a, &s.ref, 0, got, s.ref.size), ERR_PENDING);
	attempt_end(&a);
	assert_int_equal(a.want_count, 15);
	for (unsigned i = 0; i < 15; i++) {
		assert_int_equal(a.wants[i].ordinal, 2 * i + 1);
		assert_int_equal(a.wants[i].start, (2 * i + 1) * SAMPLE_CHUNK);
		assert_int_equal(a.wants[i].chunks, 30);
	}
	/* More than fit, and a range within one chunk. */
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_read(&a, &s.ref, SAMPLE_CHUNK + 5, got, 10), ERR_PENDING);
	assert_int_equal(a.want_count, 1);
	assert_int_equal(attempt_read(&a, &s.ref, 2 * SAMPLE_CHUNK + 5, got, 10), 0);
	attempt_end(&a);
	free(got);
	cache_close(c);
	sample_release(&s);
}

static void test_hostile_objects(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(3, 4);
	struct object_ref ref;
	struct attempt a;
	struct want w;

	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_chunk(&a, &s.ref, s.ref.size, &w), ERR_ABSENT);
	ref = s.ref;
	ref.count = 0;
	assert_int_equal(attempt_chunk(&a, &ref, 0, &w), ERR_CORRUPT);
	ref.count = OBJECT_LISTED_MAX + 1;
	assert_int_equal(attempt_chunk(&a, &ref, 0, &w), ERR_CORRUPT);
	/* The list is shorter, or longer, than the object. */
	ref = s.ref;
	ref.size += 1;
	assert_int_equal(attempt_chunk(&a, &ref, s.ref.size, &w), ERR_CORRUPT);
	ref.size = SAMPLE_CHUNK + 10;
	assert_int_equal(attempt_chunk(&a, &ref, SAMPLE_CHUNK + 5, &w), ERR_CORRUPT);
	/* A single chunk that no blob can hold. */
	ref = s.ref;
	ref.form = OBJECT_SINGLE;
	ref.size = CHUNK_SIZE_MAX + 1;
	assert_int_equal(attempt_chunk(&a, &ref, 0, &w), ERR_CORRUPT);
	ref.form = (enum object_form)77;
	assert_int_equal(attempt_chunk(&a, &ref, 0, &w), ERR_CORRUPT);
	attempt_end(&a);
	cache_close(c);
	sample_release(&s);
}

/* Recipes of a made-up object, put into the cache as they are built. */
struct recipes {
	struct cache *cache;
	struct digest withheld; /* is not put */
	unsigned count;
};

static int put_recipe(void *ctx, const struct digest *name, struct span text)
{
	struct recipes *r = ctx;
	struct bytes packed = {0};
	struct blob_buffer *a;

	r->count++;
	assert_int_equal(recipe_decode(text, &packed, NULL), 0);
	if (!digest_equal(name, &r->withheld)) {
		a = blob_buffer_new(BLOB_RECIPE, name, packed.size);
		memcpy(blob_buffer_data(a), packed.data, packed.size);
		assert_int_equal(cache_put_page(r->cache, a), 0);
		blob_buffer_put(a);
	}
	bytes_release(&packed);
	return 0;
}

static void test_recipes(void **state)
{
	struct cache *c = sample_open(*state, 0);
	uint64_t count = RECIPE_ROWS * 2 + 5;
	struct chunk_ref *chunks = calloc(count, sizeof *chunks);
	struct object_ref ref = {.digest = name_of(1), .form = OBJECT_RECIPE};
	struct recipes r = {.cache = c};
	struct attempt a;
	struct want w;

	for (uint64_t i = 0; i < count; i++) {
		chunks[i].digest = name_of((unsigned)i);
		chunks[i].size = 1000 + (uint32_t)i % 7;
		ref.size += chunks[i].size;
	}
	assert_int_equal(recipe_build(chunks, count, put_recipe, &r, &ref.recipe), 0);
	assert_int_equal(r.count, 4);
	attempt_begin(&a, c, NULL);
	for (uint64_t i = 0, at = 0; i < count; at += chunks[i].size, i++) {
		if (i % 97 && i + 1 != count)
			continue;
		assert_int_equal(attempt_chunk(&a, &ref, at + chunks[i].size - 1, &w), 0);
		assert_true(digest_equal(&w.digest, &chunks[i].digest));
		assert_int_equal(w.ordinal, i);
		assert_int_equal(w.start, at);
		assert_int_equal(w.size, chunks[i].size);
		assert_int_equal(w.chunks, count);
		assert_true(digest_equal(&w.object.layout, &ref.recipe));
	}
	/* An object that is not as long as its recipe. */
	ref.size++;
	assert_int_equal(attempt_chunk(&a, &ref, 0, &w), ERR_CORRUPT);
	attempt_end(&a);
	free(chunks);
	cache_close(c);
}

static void test_missing_recipe(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct object_ref ref = {.digest = name_of(1),
		.size = 100,
		.form = OBJECT_RECIPE,
		.recipe = name_of(2)};
	struct entry e = {.size = 100, .has_content = true, .object = ref};
	uint64_t bytes = 7;
	struct attempt a;
	uint8_t byte;

	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_resident(&a, &e, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(a.want_count, 0);
	assert_int_equal(attempt_read(&a, &ref, 5, &byte, 1), ERR_PENDING);
	assert_int_equal(a.want_count, 1);
	assert_int_equal(a.wants[0].kind, BLOB_RECIPE);
	attempt_end(&a);
	cache_close(c);
}

static void test_sparse_file(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(4, 2);
	uint8_t extents[2 * EXTENT_RECORD_SIZE], *got, expected[SAMPLE_CHUNK];
	struct extent first = {1000, SAMPLE_CHUNK},
		      second = {3 * SAMPLE_CHUNK, s.ref.size - SAMPLE_CHUNK};
	struct entry e = {.type = ENTRY_FILE,
		.size = 5 * SAMPLE_CHUNK,
		.has_content = true,
		.object = s.ref,
		.extent_count = 2,
		.extents = extents};
	struct attempt a;
	uint64_t bytes;
	size_t done = 0;

	extent_put(extents, 0, &first);
	extent_put(extents, 1, &second);
	got = malloc(e.size + 100);
	memset(got, 0xee, e.size + 100);
	assert_int_equal(sample_put(c, &s, 0), 0);
	attempt_begin(&a, c, NULL);
	assert_int_equal(file_read(&a, &e, 0, got, e.size, &done), ERR_PENDING);
	assert_int_equal(a.want_count, 1);
	assert_int_equal(attempt_resident(&a, &e, &bytes), 0);
	assert_int_equal(bytes, SAMPLE_CHUNK);
	attempt_end(&a);
	sample_put_all(c, &s);
	attempt_begin(&a, c, NULL);
	assert_int_equal(file_read(&a, &e, 0, got, e.size + 100, &done), 0);
	assert_int_equal(done, e.size);
	assert_int_equal(attempt_resident(&a, &e, &bytes), 0);
	assert_int_equal(bytes, s.ref.size);
	attempt_end(&a);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(got[i], 0);
	sample_fill(4, 0, expected, SAMPLE_CHUNK);
	assert_memory_equal(got + 1000, expected, SAMPLE_CHUNK);
	sample_fill(4, 1, expected, second.size);
	assert_memory_equal(got + second.offset, expected, second.size);
	for (size_t i = second.offset + second.size; i < e.size; i++)
		assert_int_equal(got[i], 0);
	assert_int_equal(got[e.size], 0xee);
	/* Past the end there is nothing. */
	attempt_begin(&a, c, NULL);
	assert_int_equal(file_read(&a, &e, e.size + 5, got, 10, &done), 0);
	assert_int_equal(done, 0);
	attempt_end(&a);
	free(got);
	cache_close(c);
	sample_release(&s);
}

/* Small files in a bundle: slices of one object. */
static void test_slices(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(5, 3);
	struct entry e = {.type = ENTRY_FILE,
		.size = 2000,
		.has_content = true,
		.object = s.ref,
		.offset = SAMPLE_CHUNK - 500};
	uint8_t got[2000], expected[SAMPLE_CHUNK];
	struct attempt a;
	uint64_t bytes;
	size_t done;

	sample_put(c, &s, 1);
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_resident(&a, &e, &bytes), 0);
	assert_int_equal(bytes, 1500);
	assert_int_equal(file_read(&a, &e, 0, got, 2000, &done), ERR_PENDING);
	assert_int_equal(file_read(&a, &e, 600, got, 2000, &done), 0);
	assert_int_equal(done, 1400);
	attempt_end(&a);
	sample_fill(5, 1, expected, SAMPLE_CHUNK);
	assert_memory_equal(got, expected + 100, 1400);
	/* A slice that is not within its object. */
	e.offset = s.ref.size - 1000;
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_resident(&a, &e, &bytes), ERR_CORRUPT);
	sample_put_all(c, &s);
	assert_int_equal(file_read(&a, &e, 0, got, 2000, &done), ERR_CORRUPT);
	attempt_end(&a);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_missing_pages_are_noted),
		SAMPLE_TEST(test_hints_give_way),
		SAMPLE_TEST(test_arrivals_serve),
		SAMPLE_TEST(test_read_asks_for_all),
		SAMPLE_TEST(test_hostile_objects),
		SAMPLE_TEST(test_recipes),
		SAMPLE_TEST(test_missing_recipe),
		SAMPLE_TEST(test_sparse_file),
		SAMPLE_TEST(test_slices),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
