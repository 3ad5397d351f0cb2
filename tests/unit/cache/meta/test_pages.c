/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/pages.h"
#include "unit/meta_samples.h"

#define MIB (UINT64_C(1) << 20)
#define ROWS 100

/* Puts `count` pages of `rows` rows, the first with the number `first`, in one go. */
static struct outcome put_using(struct books *b, unsigned first, size_t count,
	unsigned rows, struct verified_pages *used)
{
	struct blob_buffer *pages[64];
	struct changes c = {.disk_free = UINT64_MAX,
		.pages = pages,
		.page_count = count,
		.used_pages = used};
	struct outcome o;

	for (unsigned i = 0; i < count; i++)
		pages[i] = sample_page(first + i, rows);
	o = books_commit(b->metadata, &c);
	for (unsigned i = 0; i < count; i++)
		blob_buffer_put(pages[i]);
	return o;
}

static struct outcome put(struct books *b, unsigned first, size_t count, unsigned rows)
{
	return put_using(b, first, count, rows, NULL);
}

static int find(struct books *b, struct verified_pages *v, unsigned number, unsigned *rows)
{
	struct digest name = sample_digest(number);
	enum blob_kind kind;
	struct span packed;
	struct page page;
	MDB_txn *txn;
	int rc;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	rc = pages_find(b->metadata, txn, v, &name, &kind, &packed);
	if (!rc) {
		assert_int_equal(kind, BLOB_PAGE);
		assert_int_equal(page_view(packed, &page), 0);
		*rows = page.count;
	}
	metadata_read_end(b->metadata, txn);
	return rc;
}

static void drop(struct books *b, unsigned number)
{
	struct digest name = sample_digest(number);
	struct changes c = {.rotten = &name, .rotten_count = 1};

	books_apply(b->metadata, &c);
}

static void test_put_and_find(void **state)
{
	struct books *b = *state;
	struct verified_pages *v = verified_pages_new();
	struct digest name = sample_digest(3);
	unsigned rows = 0;
	struct outcome o;

	verified_pages_set_term(v, 3600);
	books_set_limits(b->metadata, 0, 0);
	assert_int_equal(find(b, v, 3, &rows), ERR_ABSENT);
	o = put(b, 0, 5, ROWS);
	assert_true(o.pages_kept);
	assert_int_equal(o.short_of, 0);
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 5);
	assert_false(verified_pages_has(v, &name));
	assert_int_equal(find(b, v, 3, &rows), 0);
	assert_int_equal(rows, ROWS);
	assert_true(verified_pages_has(v, &name));
	/* What is there is not written again. */
	put(b, 3, 1, ROWS / 2);
	assert_int_equal(find(b, v, 3, &rows), 0);
	assert_int_equal(rows, ROWS);
	drop(b, 3);
	assert_int_equal(find(b, v, 3, &rows), ERR_ABSENT);
	assert_int_equal(find(b, v, 4, &rows), 0);
	verified_pages_free(v);
}

/* A rotten one is deleted before the same is put. */
static void test_a_rotten_page_is_replaced(void **state)
{
	struct books *b = *state;
	struct verified_pages *v = verified_pages_new();
	struct digest name = sample_digest(1);
	struct blob_buffer *page = sample_page(1, ROWS);
	struct changes c = {.disk_free = UINT64_MAX,
		.pages = &page,
		.page_count = 1,
		.rotten = &name,
		.rotten_count = 1};
	unsigned rows;

	books_set_limits(b->metadata, 0, 0);
	put(b, 1, 1, ROWS);
	for (size_t byte = 0; byte < 64; byte += 7) {
		assert_int_equal(sample_flip_raw(b->metadata, TABLE_PAGES,
					 span_of_digest(&name), byte),
			0);
		assert_int_equal(find(b, v, 1, &rows), ERR_CORRUPT);
		assert_false(verified_pages_has(v, &name));
		books_apply(b->metadata, &c);
		assert_int_equal(find(b, v, 1, &rows), 0);
		verified_pages_drop(v, &name);
	}
	blob_buffer_put(page);
	verified_pages_free(v);
}

/* Whole by its checksum, and still no page: another version's, or another kind. */
static void test_values_that_are_no_pages(void **state)
{
	struct books *b = *state;
	struct verified_pages *v = verified_pages_new();
	struct digest name = sample_digest(1);
	uint8_t junk[256];
	unsigned rows;

	for (size_t size = 0; size <= sizeof junk; size += 5) {
		struct page_head head = {BLOB_PAGE, (uint32_t)(size - sizeof head)};

		memset(junk, 0x5a, sizeof junk);
		if (size >= sizeof head)
			memcpy(junk, &head, sizeof head);
		books_put(b->metadata, TABLE_PAGES, span_of_digest(&name),
			span_of(junk, size));
		assert_int_equal(find(b, v, 1, &rows), ERR_CORRUPT);
	}
	assert_false(verified_pages_has(v, &name));
	verified_pages_free(v);
}

/* Where neither quota nor disk has room: told how much would do, and nothing is put. */
static void test_no_room(void **state)
{
	struct books *b = *state;
	struct blob_buffer *page = sample_page(1, ROWS);
	struct changes c = {.disk_free = 100, .pages = &page, .page_count = 1};
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	o = books_commit(b->metadata, &c);
	assert_false(o.pages_kept);
	assert_true(o.short_of > 0 && o.short_of < MIB);
	assert_true(o.in_vain);
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 0);
	/* Objects can go for it. */
	books_add(b->metadata, 1, 1, 1000);
	c.disk_free = 100;
	o = books_commit(b->metadata, &c);
	assert_false(o.pages_kept);
	assert_false(o.in_vain);
	c.disk_free = MIB;
	o = books_commit(b->metadata, &c);
	assert_true(o.pages_kept);
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 1);
	blob_buffer_put(page);
}

/* Of a quota, pages take a part; then old ones go, and new ones are kept all the same. */
static void test_thinning(void **state)
{
	struct books *b = *state;
	const unsigned batches = 40;
	unsigned kept_late = 0;
	uint64_t used;

	books_set_limits(b->metadata, 16 * MIB, 0);
	for (unsigned i = 0; i < batches; i++) {
		struct outcome o = put(b, i * 20, 20, 300);

		assert_int_equal(o.short_of, 0);
		kept_late += i >= batches / 2 && o.pages_kept;
	}
	assert_true(kept_late >= batches / 8);
	assert_true(books_count(b->metadata, TABLE_PAGES) > 20);
	assert_true(books_count(b->metadata, TABLE_PAGES) < batches * 20 / 2);
	used = metadata_bytes(b->metadata) - free_pages_bytes(b->metadata);
	assert_true(used < 5 * MIB);
	assert_true(metadata_bytes(b->metadata) < 8 * MIB);
}

/* Those that this process uses stay when others make room. */
static void test_others_go_first(void **state)
{
	struct books *b = *state;
	struct verified_pages *v = verified_pages_new();
	unsigned rows;

	books_set_limits(b->metadata, 16 * MIB, 0);
	put(b, 100000, 20, 300);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(find(b, v, 100000 + i, &rows), 0);
	for (unsigned i = 0; i < 40; i++)
		put_using(b, i * 20, 20, 300, v);
	assert_true(books_count(b->metadata, TABLE_PAGES) < 40 * 20 / 2);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(find(b, v, 100000 + i, &rows), 0);
	/* When only they are left, they go too. */
	for (unsigned i = 0; i < 400; i++) {
		struct digest name = sample_digest(i);

		verified_pages_add(v, &name);
	}
	for (unsigned i = 0; i < 10; i++)
		put_using(b, 1000 + i * 20, 20, 300, v);
	assert_int_equal(find(b, v, 1180, &rows), 0);
	verified_pages_free(v);
}

/* Rows of a table that nobody throws out. */
static void fill_with_rows(struct books *b, unsigned first, unsigned count)
{
	static uint8_t value[60000];

	for (unsigned i = first; i < first + count; i++)
		books_put(b->metadata, TABLE_URLS, span_of(&i, sizeof i),
			span_of(value, sizeof value));
}

/* What is no page fills the books: nothing is added, and it is said why; pages that are
 * there may go for it, objects not. */
static void test_the_cap(void **state)
{
	struct books *b = *state;
	struct changes c = {.disk_free = UINT64_MAX, .renew = true, .demand = MIB};
	struct outcome o;
	uint64_t size;

	books_set_limits(b->metadata, 16 * MIB, 0);
	books_add(b->metadata, 1, 3, 1000);
	put(b, 0, 20, 300);
	o = books_commit(b->metadata, &c);
	assert_int_equal(o.growth, GROWTH_FREE);
	assert_true(o.granted);
	fill_with_rows(b, 0, 95);
	o = put(b, 100, 1, 300);
	assert_false(o.pages_kept);
	assert_int_equal(o.growth, GROWTH_CAP);
	assert_int_equal(o.short_of, 0);
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 0);
	size = metadata_bytes(b->metadata);
	for (unsigned i = 0; i < 50; i++) {
		c.disk_free = UINT64_MAX;
		c.demand = MIB;
		o = books_commit(b->metadata, &c);
		assert_int_equal(o.growth, GROWTH_CAP);
		assert_false(o.granted);
		assert_int_equal(o.short_of, 0);
	}
	assert_int_equal(metadata_bytes(b->metadata), size);
	assert_true(books_has_record(b->metadata, 1));
	/* A larger quota, and there is room. */
	books_set_limits(b->metadata, 64 * MIB, 0);
	o = books_commit(b->metadata, &c);
	assert_true(o.granted);
	o = put(b, 100, 1, 300);
	assert_true(o.pages_kept);
}

/* Pages of all sizes come and go: the file does not follow its own holes upwards. */
static void test_sizes_that_differ(void **state)
{
	struct books *b = *state;
	unsigned kept = 0;

	books_set_limits(b->metadata, 16 * MIB, 0);
	for (unsigned i = 0; i < 300; i++)
		kept += put(b, i * 8, 8, 50 + i * 37 % 1500).pages_kept;
	assert_true(kept > 30);
	assert_true(metadata_bytes(b->metadata) < 6 * MIB);
}

static void test_clearing(void **state)
{
	struct books *b = *state;
	struct verified_pages *v = verified_pages_new();
	struct digest keep[3] = {sample_digest(2), sample_digest(77), sample_digest(4)};
	unsigned rows;

	books_set_limits(b->metadata, 0, 0);
	put(b, 0, 20, ROWS);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_PAGES, span_of_digest(&keep[2]), 30), 0);
	assert_int_equal(pages_clear(b->metadata, DEADLINE_NONE, v, keep, 3), 0);
	/* One is not there, one is rotten. */
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 1);
	assert_int_equal(find(b, v, 2, &rows), 0);
	assert_int_equal(rows, ROWS);
	assert_int_equal(pages_clear(b->metadata, DEADLINE_NONE, v, NULL, 0), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 0);
	verified_pages_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_put_and_find),
		BOOKS_TEST(test_a_rotten_page_is_replaced),
		BOOKS_TEST(test_values_that_are_no_pages),
		BOOKS_TEST(test_no_room),
		BOOKS_TEST(test_thinning),
		BOOKS_TEST(test_others_go_first),
		BOOKS_TEST(test_the_cap),
		BOOKS_TEST(test_sizes_that_differ),
		BOOKS_TEST(test_clearing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
