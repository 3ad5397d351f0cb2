/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/page_packer.h"
#include "unit/entry_samples.h"
#include "util/error.h"

/* Packs `count` entries behind one stray byte, so that nothing is aligned. */
static void pack(
	const struct entry *entries, size_t count, struct bytes *out, struct page *page)
{
	struct page_packer *k = page_packer_new(0);
	assert_non_null(k);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(page_packer_entry(k, &entries[i]), 0);
	assert_int_equal(bytes_append(out, "x", 1), 0);
	assert_int_equal(page_packer_finish(k, out), 0);
	page_packer_free(k);
	assert_int_equal(page_view(span_of(out->data + 1, out->size - 1), page), 0);
}

static void test_every_field_comes_back(void **state)
{
	(void)state;
	struct samples *s = samples_new(1, 2000);
	struct bytes packed = {0};
	struct page page;
	pack(s->entries, s->count, &packed, &page);
	assert_int_equal(page.level, 0);
	assert_int_equal(page.count, s->count);
	assert_int_equal(page_entries(&page), s->count);
	for (uint32_t i = 0; i < page.count; i++) {
		struct entry e;
		assert_int_equal(page_entry(&page, i, &e), 0);
		const char *difference = sample_difference(&s->entries[i], &e);
		if (difference)
			fail_msg("row %u: %s", i, difference);
	}
	struct entry e;
	struct page_child child;
	uint64_t before;
	uint32_t index;
	assert_int_equal(page_entry(&page, page.count, &e), ERR_CORRUPT);
	assert_int_equal(page_child(&page, 0, &child), ERR_CORRUPT);
	assert_int_equal(
		page_find_child(&page, e.parent, e.name, &index, &before), ERR_CORRUPT);
	assert_int_equal(page_child_at(&page, 0, &index, &before), ERR_CORRUPT);
	bytes_release(&packed);
	samples_free(s);
}

static void test_plain_rows_are_small(void **state)
{
	(void)state;
	struct entry entries[500];
	char names[500][8];
	for (size_t i = 0; i < 500; i++) {
		snprintf(names[i], sizeof(names[i]), "%03u", (unsigned)i % 1000);
		entries[i] = (struct entry){.type = ENTRY_DIRECTORY,
			.links = 2,
			.parent = span_of_string("some/directory"),
			.name = span_of_string(names[i])};
	}
	struct bytes packed = {0};
	struct page page;
	pack(entries, 500, &packed, &page);
	assert_true(packed.size < 500 * 68);
	bytes_release(&packed);
}

/* What page_find() has to say, by looking at every row. */
static void check_find(const struct page *page, const struct samples *s, struct span parent,
	struct span name)
{
	uint32_t want = 0, row = UINT32_MAX;
	bool exact;
	while (want < s->count && place_compare(s->entries[want].parent,
					  s->entries[want].name, parent, name) < 0)
		want++;
	bool there = want < s->count && span_equal(s->entries[want].parent, parent) &&
		     span_equal(s->entries[want].name, name);
	assert_int_equal(page_find(page, parent, name, &row, &exact), 0);
	assert_int_equal(row, want);
	assert_int_equal(exact, there);
}

static void test_find(void **state)
{
	(void)state;
	struct samples *s = samples_new(2, 500);
	struct bytes packed = {0};
	struct page page;
	pack(s->entries, s->count, &packed, &page);
	for (size_t i = 0; i < s->count; i++) {
		const struct entry *e = &s->entries[i];
		check_find(&page, s, e->parent, e->name);
		check_find(&page, s, e->parent, span_of_string(""));
		check_find(&page, s, e->parent, span_of_string("\xff\xff"));
		check_find(&page, s, e->parent, sample_name(s, 1000 + i));
		check_find(&page, s, sample_path(s, e), span_of_string("x"));
		check_find(&page, s, sample_path(s, e), e->name);
		if (e->name.size > 1)
			check_find(&page, s, e->parent,
				span_of(e->name.data, e->name.size - 1));
	}
	check_find(&page, s, span_of_string("\xff\xff\xff"), span_of_string("z"));
	bytes_release(&packed);
	samples_free(s);
}

/* A page that begins in the middle of the tree. */
static void test_find_before_the_first(void **state)
{
	(void)state;
	struct samples *s = samples_new(3, 300);
	struct bytes packed = {0};
	struct page page;
	struct samples part = *s;
	part.entries += 150;
	part.count -= 150;
	pack(part.entries, part.count, &packed, &page);
	for (size_t i = 0; i < s->count; i++)
		check_find(&page, &part, s->entries[i].parent, s->entries[i].name);
	bytes_release(&packed);
	samples_free(s);
}

static void pack_inner(
	const struct samples *s, size_t step, struct bytes *out, struct page *page)
{
	struct page_packer *k = page_packer_new(2);
	assert_non_null(k);
	for (size_t i = step; i <= s->count; i += step) {
		struct page_child child = {
			.digest = digest_of(&i, sizeof(i)),
			.last_parent = s->entries[i - 1].parent,
			.last_name = s->entries[i - 1].name,
			.entries = i,
			.bytes = i * 10,
		};
		assert_int_equal(page_packer_child(k, &child), 0);
	}
	assert_int_equal(bytes_append(out, "x", 1), 0);
	assert_int_equal(page_packer_finish(k, out), 0);
	page_packer_free(k);
	assert_int_equal(page_view(span_of(out->data + 1, out->size - 1), page), 0);
}

static void test_inner(void **state)
{
	(void)state;
	struct samples *s = samples_new(4, 1000);
	struct bytes packed = {0};
	struct page page;
	uint64_t entries = 0;
	pack_inner(s, 10, &packed, &page);
	assert_int_equal(page.level, 2);
	assert_int_equal(page.count, 100);
	for (uint32_t i = 0; i < page.count; i++) {
		struct page_child child;
		size_t number = (i + 1) * 10;
		struct digest want = digest_of(&number, sizeof(number));
		uint32_t index;
		uint64_t before;
		assert_int_equal(page_child(&page, i, &child), 0);
		assert_true(digest_equal(&child.digest, &want));
		assert_true(span_equal(child.last_name, s->entries[number - 1].name));
		assert_int_equal(child.entries, number);
		assert_int_equal(child.bytes, number * 10);
		uint64_t ranks[] = {entries, entries + number / 2, entries + number - 1};
		for (int r = 0; r < 3; r++) {
			assert_int_equal(
				page_child_at(&page, ranks[r], &index, &before), 0);
			assert_int_equal(index, i);
			assert_int_equal(before, entries);
		}
		for (size_t e = number - 10; e < number; e++) {
			assert_int_equal(page_find_child(&page, s->entries[e].parent,
						 s->entries[e].name, &index, &before),
				0);
			assert_int_equal(index, i);
			assert_int_equal(before, entries);
		}
		entries += number;
	}
	uint32_t index;
	uint64_t before;
	assert_int_equal(page_entries(&page), entries);
	assert_int_equal(page_bytes(&page), entries * 10);
	assert_int_equal(page_child_at(&page, entries, &index, &before), ERR_ABSENT);
	assert_int_equal(page_find_child(&page, span_of_string("\xff\xff\xff"),
				 span_of_string("z"), &index, &before),
		0);
	assert_int_equal(index, page.count);
	assert_int_equal(before, entries);
	bytes_release(&packed);
	samples_free(s);
}

static void test_packer_limits(void **state)
{
	(void)state;
	struct bytes out = {0};
	struct page_packer *k = page_packer_new(0);
	assert_null(page_packer_new(PAGE_LEVEL_MAX + 1));
	assert_non_null(k);
	assert_int_equal(page_packer_finish(k, &out), ERR_INVALID);
	for (size_t i = 0; i <= PAGE_ROWS_MAX; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%04u", (unsigned)i % 10000);
		struct entry e = {
			.type = ENTRY_FIFO, .links = 1, .name = span_of_string(name)};
		assert_int_equal(
			page_packer_entry(k, &e), i < PAGE_ROWS_MAX ? 0 : ERR_LIMIT);
	}
	page_packer_free(k);
	bytes_release(&out);
}

/* Sums of sizes stop at the cap. */
static void test_bytes_do_not_overflow(void **state)
{
	(void)state;
	struct entry holes[3];
	static const char *const names[] = {"a", "b", "c"};
	for (int i = 0; i < 3; i++)
		holes[i] = (struct entry){.type = ENTRY_FILE,
			.links = 1,
			.size = ENTRY_SIZE_MAX,
			.name = span_of_string(names[i])};
	struct bytes packed = {0};
	struct page page;
	pack(holes, 3, &packed, &page);
	assert_int_equal(page_bytes(&page), ENTRY_SIZE_MAX);
	bytes_release(&packed);
}

static void check_child_refused(struct page_child child)
{
	struct page_packer *k = page_packer_new(1);
	struct page_child first = {.entries = 5,
		.last_parent = span_of_string("d"),
		.last_name = span_of_string("m")};
	assert_non_null(k);
	assert_int_equal(page_packer_child(k, &first), 0);
	assert_int_equal(page_packer_child(k, &child), ERR_CORRUPT);
	page_packer_free(k);
}

static void test_packer_refuses(void **state)
{
	(void)state;
	struct page_child good = {.entries = 5,
		.last_parent = span_of_string("d"),
		.last_name = span_of_string("n")};
	struct page_child bad = good;
	bad.last_name = span_of_string("m");
	check_child_refused(bad);
	bad.last_name = span_of_string("l");
	check_child_refused(bad);
	bad.last_name = span_of_string("");
	check_child_refused(bad);
	bad = good;
	bad.last_parent = span_of_string("c");
	check_child_refused(bad);
	bad.last_parent = span_of_string("e/");
	check_child_refused(bad);
	bad = good;
	bad.entries = 0;
	check_child_refused(bad);
	bad.entries = INT64_MAX;
	check_child_refused(bad);
	bad = good;
	bad.bytes = ENTRY_SIZE_MAX + 1;
	check_child_refused(bad);
}

/* Calls every accessor on every row; only crashes and sanitizers can object. */
static void exercise(const struct page *page)
{
	uint64_t sum = page_entries(page) + page_bytes(page), before;
	uint32_t index;
	bool exact;
	for (uint32_t i = 0; i < page->count; i++) {
		struct entry e;
		struct page_child c;
		struct xattr x;
		if (page->level == 0 && page_entry(page, i, &e) == 0) {
			for (size_t at = 0; xattr_next(e.xattrs, &at, &x);)
				sum += x.value.size > 0 ? x.value.data[x.value.size - 1]
							: 0;
			for (uint32_t k = 0; k < e.extent_count; k++)
				sum += extent_at(e.extents, k).size;
			for (uint32_t k = 0; e.has_content && k < e.object.count; k++)
				sum += chunk_list_at(e.object.list, k).size +
				       e.object.layout.bytes[DIGEST_SIZE - 1];
			sum += entry_run_count(&e) + entry_st_mode(&e);
			if (e.run_list.count == 0) {
				sum += entry_map(&e, e.size / 2).size;
				sum += entry_seek(&e, 0, false, &before) == 0 ? before : 0;
			}
			if (page_find(page, e.parent, e.name, &index, &exact) == 0)
				assert_true(index <= page->count);
		}
		if (page->level > 0 && page_child(page, i, &c) == 0) {
			if (page_find_child(
				    page, c.last_parent, c.last_name, &index, &before) == 0)
				assert_true(index <= page->count);
			if (page_child_at(page, i * 7, &index, &before) == 0)
				assert_true(index < page->count);
		}
	}
	/* Keeps the reads alive. */
	assert_true(sum + 1 > 0 || sum == UINT64_MAX);
}

/* A copy of exactly the size, so that a byte too far is seen. */
static void exercise_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct page page;
	assert_non_null(copy);
	memcpy(copy, data, size);
	if (page_view(span_of(copy, size), &page) == 0)
		exercise(&page);
	free(copy);
}

static void exercise_damage(struct bytes *packed, uint64_t seed)
{
	uint8_t *data = packed->data + 1;
	size_t size = packed->size - 1;
	struct page page;
	assert_true(size > 0);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(page_view(span_of(data, cut), &page), ERR_CORRUPT);
	for (int round = 0; round < 3000; round++) {
		size_t at = sample_random(&seed) % (round % 2 || size < 1000 ? size : 1000);
		uint8_t old = data[at];
		data[at] = (uint8_t)(round % 3 ? old ^ 1 << sample_random(&seed) % 8
					       : 0xff);
		exercise_copy(data, size);
		data[at] = old;
	}
}

static void test_damage_is_harmless(void **state)
{
	(void)state;
	struct samples *s = samples_new(5, 40);
	struct bytes leaf = {0}, inner = {0};
	struct page page;
	pack(s->entries, s->count, &leaf, &page);
	exercise_damage(&leaf, 1);
	pack_inner(s, 2, &inner, &page);
	exercise_damage(&inner, 2);
	bytes_release(&leaf);
	bytes_release(&inner);
	samples_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_comes_back),
		cmocka_unit_test(test_plain_rows_are_small),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_before_the_first),
		cmocka_unit_test(test_inner),
		cmocka_unit_test(test_packer_limits),
		cmocka_unit_test(test_bytes_do_not_overflow),
		cmocka_unit_test(test_packer_refuses),
		cmocka_unit_test(test_damage_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
