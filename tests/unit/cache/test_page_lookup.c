/* SPDX-License-Identifier: MIT */
#include "cache/write/writer.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

static void put(struct cache *c, unsigned number, unsigned rows)
{
	struct blob_buffer *a = sample_page(number, rows);

	assert_int_equal(cache_put_page(c, a), 0);
	blob_buffer_put(a);
}

static struct digest name_of(unsigned number)
{
	return digest_of(&number, sizeof number);
}

static void test_pages_persist(void **state)
{
	struct cache *c = sample_open(*state, 0);
	unsigned rows = 0;

	assert_int_equal(sample_find_page(c, 1, &rows), ERR_PENDING);
	for (unsigned i = 1; i < 100; i++)
		put(c, i, i);
	/* At once, and again when they are committed. */
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 1; i < 100; i++) {
			assert_int_equal(sample_find_page(c, i, &rows), 0);
			assert_int_equal(rows, i);
		}
		assert_int_equal(cache_flush(c), 0);
	}
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_find_page(c, 50, &rows), 0);
	assert_int_equal(rows, 50);
	cache_close(c);
}

static void test_pending_page_outlives_its_commit(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name = name_of(7);
	struct page_child child;
	struct attempt a;
	struct page page;

	put(c, 7, 30);
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_page(&a, &name, &page), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(page.count, 30);
	assert_int_equal(page_child(&page, 29, &child), 0);
	assert_true(digest_equal(&child.digest, &name));
	attempt_end(&a);
	cache_close(c);
}

static void test_rotten_page(void **state)
{
	static const size_t bytes[] = {0, 8, 12, 16, 100, 500};
	struct digest name = name_of(3);
	unsigned rows;

	for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
		struct cache *c = sample_open(*state, 0);
		struct want w = {.kind = BLOB_PAGE, .digest = name};

		put(c, 3, 40);
		assert_int_equal(cache_flush(c), 0);
		assert_int_equal(sample_flip_raw(c->metadata, TABLE_PAGES,
					 span_of_digest(&name), bytes[i]),
			0);
		assert_int_equal(sample_find_page(c, 3, &rows), ERR_PENDING);
		assert_false(cache_has(c, &w));
		/* Brought again, it is kept again. */
		put(c, 3, 40);
		assert_int_equal(sample_find_page(c, 3, &rows), 0);
		assert_int_equal(cache_flush(c), 0);
		assert_int_equal(sample_find_page(c, 3, &rows), 0);
		assert_true(cache_has(c, &w));
		cache_close(c);
	}
}

/* A lookup is no checksum of a page: those of a large tree are checked once, too. */
static void test_checked_once(void **state)
{
	enum { PAGES = 20000, LOOKED_AT = 64 };
	struct cache *c = sample_open(*state, 0);
	unsigned rows, again = 0;

	verified_pages_set_term(c->verified, 3600);
	for (unsigned i = 0; i < PAGES; i++)
		put(c, i, 1);
	assert_int_equal(cache_flush(c), 0);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(sample_find_page(c, i, &rows), 0);
	for (unsigned i = 0; i < LOOKED_AT; i++) {
		struct digest name = name_of(i);

		/* Of the checksum. */
		assert_int_equal(
			sample_flip_raw(c->metadata, TABLE_PAGES, span_of_digest(&name), 0),
			0);
		again += sample_find_page(c, i, &rows) == ERR_PENDING;
	}
	assert_true(again <= LOOKED_AT / 16);
	cache_close(c);
}

/* Rot under a running mount, in any byte: whoever reads next after a look's term gets it
 * brought again, and right. */
static void test_rot_of_a_page_in_use(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name = name_of(8);
	unsigned rows;

	verified_pages_set_term(c->verified, 0);
	for (size_t byte = 0; byte < 400; byte += 23) {
		put(c, 8, 40);
		assert_int_equal(cache_flush(c), 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(sample_find_page(c, 8, &rows), 0);
		assert_int_equal(sample_flip_raw(c->metadata, TABLE_PAGES,
					 span_of_digest(&name), byte),
			0);
		assert_int_equal(sample_find_page(c, 8, &rows), ERR_PENDING);
		put(c, 8, 40);
		assert_int_equal(sample_find_page(c, 8, &rows), 0);
		assert_int_equal(rows, 40);
		assert_int_equal(cache_flush(c), 0);
		assert_int_equal(sample_find_page(c, 8, &rows), 0);
	}
	cache_close(c);
}

/* A right checksum over bytes that are no page. */
static int put_nonsense(MDB_txn *txn, void *arg)
{
	struct cache *c = arg;
	struct digest name = name_of(4);
	uint32_t head[2] = {BLOB_PAGE, 11};

	return table_put(c->metadata, txn, TABLE_PAGES, span_of_digest(&name),
		span_of(head, sizeof head), span_of("not a page!", 11));
}

static void test_other_layout(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name = name_of(4);
	struct want w = {.kind = BLOB_PAGE, .digest = name};
	unsigned rows;

	assert_int_equal(metadata_write(c->metadata, DEADLINE_NONE, put_nonsense, c), 0);
	assert_int_equal(sample_find_page(c, 4, &rows), ERR_PENDING);
	assert_false(cache_has(c, &w));
	cache_close(c);
}

static void test_garbage_values(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name = name_of(5);
	uint8_t junk[64];
	unsigned rows;

	memset(junk, 0xa5, sizeof junk);
	for (size_t size = 0; size < sizeof junk; size++) {
		assert_int_equal(sample_put_raw(c->metadata, TABLE_PAGES,
					 span_of_digest(&name), span_of(junk, size)),
			0);
		assert_int_equal(sample_find_page(c, 5, &rows), ERR_PENDING);
	}
	cache_close(c);
}

static void test_kind_is_checked(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct digest name = name_of(6);
	struct recipe recipe;
	struct attempt a;

	put(c, 6, 3);
	attempt_begin(&a, c, NULL);
	assert_int_equal(attempt_recipe(&a, &name, &recipe), ERR_CORRUPT);
	attempt_end(&a);
	cache_close(c);
}

static void test_pages_keep_to_their_share(void **state)
{
	/* A quarter, 8 MiB. */
	struct cache *c = sample_open(*state, UINT64_C(32) << 20);
	unsigned rows, kept = 0;
	struct cache_info info;

	for (unsigned i = 0; i < 400; i++) {
		put(c, i, 1000);
		if (i % 20 == 19)
			assert_int_equal(cache_flush(c), 0);
	}
	assert_int_equal(cache_info(c, &info), 0);
	assert_true(metadata_bytes(c->metadata) < UINT64_C(13) << 20);
	for (unsigned i = 0; i < 400; i++)
		kept += sample_find_page(c, i, &rows) == 0;
	/* How many fit in depends on how many each transaction takes. */
	assert_true(kept > 0 && kept < 200);
	assert_int_equal(info.pages, kept);
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_pages_persist),
		SAMPLE_TEST(test_pending_page_outlives_its_commit),
		SAMPLE_TEST(test_rotten_page),
		SAMPLE_TEST(test_checked_once),
		SAMPLE_TEST(test_rot_of_a_page_in_use),
		SAMPLE_TEST(test_other_layout),
		SAMPLE_TEST(test_garbage_values),
		SAMPLE_TEST(test_kind_is_checked),
		SAMPLE_TEST(test_pages_keep_to_their_share),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
