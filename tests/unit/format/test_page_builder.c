/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

/* Compares the entries below `name` with samples[*at..]. */
static void check_tree(struct memory_pages *m, const struct digest *name, unsigned *level,
	const struct samples *s, size_t *at)
{
	struct page page;
	assert_int_equal(memory_pages_get(m, name, &page), 0);
	size_t first = *at;
	*level = page.level;
	for (uint32_t i = 0; i < page.count; i++) {
		if (page.level == 0) {
			struct entry e;
			assert_int_equal(page_entry(&page, i, &e), 0);
			assert_true(*at < s->count);
			const char *difference = sample_difference(
				&s->entries[(*at)++], &e);
			if (difference)
				fail_msg("entry %zu: %s", *at - 1, difference);
			continue;
		}
		struct page_child child;
		size_t before = *at;
		unsigned below;
		assert_int_equal(page_child(&page, i, &child), 0);
		check_tree(m, &child.digest, &below, s, at);
		assert_int_equal(below, page.level - 1);
		assert_int_equal(child.entries, *at - before);
		assert_true(span_equal(child.last_parent, s->entries[*at - 1].parent));
		assert_true(span_equal(child.last_name, s->entries[*at - 1].name));
	}
	assert_int_equal(page_entries(&page), *at - first);
	uint64_t bytes = 0;
	for (size_t i = first; i < *at; i++)
		if (s->entries[i].type == ENTRY_FILE)
			bytes += s->entries[i].size;
	assert_int_equal(page_bytes(&page), bytes);
}

static void check_round_trip(uint64_t seed, size_t count, unsigned level)
{
	struct samples *s = samples_new(seed, count);
	struct memory_pages m = {0};
	struct trouble t = {0};
	struct digest root;
	size_t at = 0;
	unsigned got;
	int err = memory_pages_build(&m, s->entries, s->count, &root, &t);
	if (err != 0)
		fail_msg("%d: %s", err, t.text);
	check_tree(&m, &root, &got, s, &at);
	assert_int_equal(at, count);
	assert_int_equal(got, level);
	/* The root is the last page, and no page but it is alone on its level. */
	assert_true(digest_equal(&m.pages[m.count - 1].name, &root));
	memory_pages_release(&m);
	samples_free(s);
}

static void test_round_trip(void **state)
{
	(void)state;
	check_round_trip(1, 1, 0);
	check_round_trip(2, 2, 0);
	check_round_trip(3, 60, 0);
	check_round_trip(4, 3000, 1);
	check_round_trip(5, 10000, 1);
	check_round_trip(7, 30000, 2);
}

/* The root is one page with at least two children, or a leaf, whatever the count. */
static void test_no_chain_at_the_top(void **state)
{
	(void)state;
	for (size_t count = 1; count < 1500; count += 37) {
		struct samples *s = samples_new(count, count);
		struct memory_pages m = {0};
		struct digest root;
		struct page page;
		assert_int_equal(
			memory_pages_build(&m, s->entries, s->count, &root, NULL), 0);
		assert_int_equal(memory_pages_get(&m, &root, &page), 0);
		assert_true(page.level == 0 ? m.count == 1 : page.count >= 2);
		if (page.level > 0)
			assert_int_equal(m.count, page.count + 1);
		memory_pages_release(&m);
		samples_free(s);
	}
}

static void test_same_entries_same_root(void **state)
{
	(void)state;
	struct samples *s = samples_new(9, 5000);
	struct memory_pages m = {0};
	struct digest roots[2];
	assert_int_equal(memory_pages_build(&m, s->entries, s->count, &roots[0], NULL), 0);
	size_t count = m.count;
	/* An inode that is given although the key gives it is not written down. */
	for (size_t i = 0; i < s->count; i++)
		s->entries[i].inode = sample_inode(&s->entries[i]);
	assert_int_equal(memory_pages_build(&m, s->entries, s->count, &roots[1], NULL), 0);
	assert_true(digest_equal(&roots[0], &roots[1]));
	assert_int_equal(m.count, count);
	memory_pages_release(&m);
	samples_free(s);
}

/* Builds an edited list and tells how many pages it has that were not there before. */
static size_t new_pages(struct memory_pages *m, const struct entry *entries, size_t count)
{
	size_t before = m->count;
	struct digest root;
	assert_int_equal(memory_pages_build(m, entries, count, &root, NULL), 0);
	size_t added = m->count - before;
	while (m->count > before) {
		m->count--;
		bytes_release(&m->pages[m->count].text);
		bytes_release(&m->pages[m->count].packed);
	}
	return added;
}

#define EDITS 6

static void test_an_edit_changes_few_pages(void **state)
{
	(void)state;
	struct samples *s = samples_new(10, 20000);
	struct memory_pages m = {0};
	struct digest root;
	size_t sum = 0, most = 0;
	struct entry *edited = calloc(s->count + 1, sizeof(*edited));
	assert_non_null(edited);
	assert_int_equal(memory_pages_build(&m, s->entries, s->count, &root, NULL), 0);
	assert_true(m.count > 50);
	for (int i = 0; i < EDITS; i++) {
		size_t at = 1 + sample_below(s, s->count - 1);
		/* Another time: the leaf and what is above it, no more. */
		memcpy(edited, s->entries, s->count * sizeof(*edited));
		edited[at].mtime += 1;
		size_t changed = new_pages(&m, edited, s->count);
		assert_true(changed >= 2 && changed <= 3);
		/* One fewer. */
		memcpy(edited, s->entries, at * sizeof(*edited));
		memcpy(edited + at, s->entries + at + 1,
			(s->count - at - 1) * sizeof(*edited));
		changed = new_pages(&m, edited, s->count - 1);
		sum += changed;
		most = changed > most ? changed : most;
		/* One more. */
		memcpy(edited, s->entries, at * sizeof(*edited));
		edited[at] = s->entries[at];
		edited[at].name = sample_name(s, 1000000 + at);
		memcpy(edited + at + 1, s->entries + at, (s->count - at) * sizeof(*edited));
		qsort(edited, s->count + 1, sizeof(*edited), sample_order);
		changed = new_pages(&m, edited, s->count + 1);
		sum += changed;
		most = changed > most ? changed : most;
	}
	/* The leaf and the root, now and then a leaf or two more until the cuts meet again.
	 */
	assert_true(sum <= EDITS * 2 * 4);
	assert_true(most <= 12);
	free(edited);
	memory_pages_release(&m);
	samples_free(s);
}

static struct entry plain_file(const char *parent, const char *name)
{
	return (struct entry){
		.parent = span_of_string(parent),
		.name = span_of_string(name),
		.type = ENTRY_FILE,
		.mode = 0644,
		.links = 1,
	};
}

static struct entry plain_root(void)
{
	return (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
}

static void test_canonical_text(void **state)
{
	(void)state;
	uint8_t extents[2 * EXTENT_RECORD_SIZE], list[2 * CHUNK_RECORD_SIZE];
	struct entry entries[] = {plain_root(), plain_file("", "a\"\n"),
		plain_file("", "b"), plain_file("d", "\xff"), plain_file("d/e", "link"),
		plain_file("d/e", "null")};
	struct object_ref object = {
		.size = 100, .form = OBJECT_LISTED, .count = 2, .list = list};
	struct chunk_ref chunks[2] = {{.size = 60}, {.size = 40}};
	memset(&object.digest, 0xab, DIGEST_SIZE);
	memset(&chunks[0].digest, 0x01, DIGEST_SIZE);
	memset(&chunks[1].digest, 0x02, DIGEST_SIZE);
	chunk_list_put(list, 0, &chunks[0]);
	chunk_list_put(list, 1, &chunks[1]);
	extent_put(extents, 0, &(struct extent){0, 3});
	extent_put(extents, 1, &(struct extent){5, 2});
	entries[1].has_content = true;
	entries[1].object = object;
	entries[1].content = object.digest;
	entries[1].size = 100;
	entries[2].has_content = true;
	entries[2].object = object;
	memset(&entries[2].content, 0xcd, DIGEST_SIZE);
	entries[2].size = 9;
	entries[2].offset = 7;
	entries[2].extents = extents;
	entries[2].extent_count = 2;
	entries[3].inode = 99;
	entries[3].mtime = INT64_MIN;
	entries[4].type = ENTRY_SYMLINK;
	entries[4].target = span_of_string("../b");
	entries[4].size = 4;
	entries[5].type = ENTRY_CHARACTER;
	entries[5].links = 2;
	entries[5].major = 1;
	entries[5].minor = 3;
	struct bytes xattrs = {0};
	assert_int_equal(
		xattr_append(&xattrs, span_of_string("user.x"), span_of("\0", 1)), 0);
	entries[5].xattrs = span_of_bytes(&xattrs);
	struct memory_pages m = {0};
	struct digest root;
	assert_int_equal(memory_pages_build(&m, entries, 6, &root, NULL), 0);
	/* clang-format off */
#define HEX8(x) x x x x x x x x
#define HEX32(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x)
	static const char want[] =
		"{\"cairn\":\"leaf\",\"columns\":[\"name\",\"type\",\"mode\",\"uid\",\"gid\","
		"\"mtime\",\"nsec\",\"size\",\"links\",\"inode\",\"content\",\"object\","
		"\"offset\",\"extra\"],\"objects\":[[\"" HEX32("ab") "\",100,"
		"[[\"" HEX32("01") "\",60],[\"" HEX32("02") "\",40]]]],"
		"\"runs\":[[\"\",[[\"\",\"d\",493,0,0,0,0,0],"
		"[\"a\\\"\\n\",\"f\",420,0,0,0,0,100,null,null,null,0],"
		"[\"b\",\"f\",420,0,0,0,0,9,null,null,\"" HEX32("cd") "\",0,7,"
		"{\"extents\":[[0,3],[5,2]]}]]],"
		"[\"d\",[[{\"base64\":\"/w==\"},\"f\",420,0,0,-9223372036854775808,0,0,"
		"null,99]]],"
		"[\"d/e\",[[\"link\",\"l\",420,0,0,0,0,4,null,null,null,null,null,"
		"{\"target\":\"../b\"}],"
		"[\"null\",\"c\",420,0,0,0,0,0,2,null,null,null,null,"
		"{\"device\":[1,3],\"xattrs\":[[\"user.x\",{\"base64\":\"AA==\"}]]}]]]]}";
	/* clang-format on */
	assert_int_equal(m.count, 1);
	assert_int_equal(m.pages[0].text.size, sizeof(want) - 1);
	assert_memory_equal(m.pages[0].text.data, want, sizeof(want) - 1);
	memory_pages_release(&m);
	bytes_release(&xattrs);
}

static int ignore_page(void *ctx, const struct digest *name, struct span text)
{
	(void)ctx;
	(void)name;
	(void)text;
	return 0;
}

/* What is refused, after the root and d/m were taken. */
static void check_refused(struct entry e, int want)
{
	struct page_builder *b;
	struct trouble t = {0};
	struct entry root = plain_root(), first = plain_file("d", "m");
	assert_int_equal(page_builder_new(ignore_page, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &root, &t), 0);
	assert_int_equal(page_builder_add(b, &first, &t), 0);
	assert_int_equal(page_builder_add(b, &e, &t), want);
	assert_int_equal(t.code, want);
	page_builder_free(b);
}

static void test_refused(void **state)
{
	(void)state;
	char longest[PATH_SIZE_MAX];
	memset(longest, 'p', sizeof(longest));
	for (size_t i = 200; i < sizeof(longest); i += 200)
		longest[i] = '/';
	check_refused(plain_root(), ERR_CORRUPT);
	check_refused(plain_file("d", "m"), ERR_CORRUPT);
	check_refused(plain_file("d", "l"), ERR_CORRUPT);
	check_refused(plain_file("c", "z"), ERR_CORRUPT);
	check_refused(plain_file("", "z"), ERR_CORRUPT);
	check_refused(plain_file("d", "n/n"), ERR_CORRUPT);
	check_refused(plain_file("d", ".."), ERR_CORRUPT);
	check_refused(plain_file("e", ""), ERR_CORRUPT);
	check_refused(plain_file("e//f", "a"), ERR_CORRUPT);
	check_refused(plain_file("/e", "a"), ERR_CORRUPT);
	struct entry e = plain_file("", "n");
	e.parent = span_of(longest, sizeof(longest) - 1);
	check_refused(e, ERR_LIMIT);
	e = plain_file("d", "n");
	e.links = 0;
	check_refused(e, ERR_CORRUPT);
	e = plain_file("d", "n");
	e.has_content = true;
	e.size = 1;
	e.object = (struct object_ref){.size = CHUNK_SIZE_MAX + 1};
	check_refused(e, ERR_CORRUPT);
}

static void test_root_may_only_be_a_directory(void **state)
{
	(void)state;
	struct page_builder *b;
	struct trouble t = {0};
	struct entry e = plain_root();
	e.type = ENTRY_FILE;
	assert_int_equal(page_builder_new(ignore_page, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, &t), ERR_CORRUPT);
	page_builder_free(b);
}

static void test_nothing_added(void **state)
{
	(void)state;
	struct page_builder *b;
	struct digest root;
	uint64_t entries, bytes;
	assert_int_equal(page_builder_new(ignore_page, NULL, &b), 0);
	assert_int_equal(
		page_builder_finish(b, &root, &entries, &bytes, NULL), ERR_INVALID);
	page_builder_free(b);
}

static int fail_late(void *ctx, const struct digest *name, struct span text)
{
	int *left = ctx;
	(void)name;
	(void)text;
	return (*left)-- > 0 ? 0 : ERR_NO_SPACE;
}

static void test_emit_failure_is_passed_on(void **state)
{
	(void)state;
	struct samples *s = samples_new(12, 2000);
	for (int pages = 0; pages < 4; pages++) {
		struct page_builder *b;
		struct digest root;
		uint64_t entries, bytes;
		int left = pages, err = 0;
		assert_int_equal(page_builder_new(fail_late, &left, &b), 0);
		for (size_t i = 0; err == 0 && i < s->count; i++)
			err = page_builder_add(b, &s->entries[i], NULL);
		if (err == 0)
			err = page_builder_finish(b, &root, &entries, &bytes, NULL);
		assert_int_equal(err, ERR_NO_SPACE);
		page_builder_free(b);
	}
	samples_free(s);
}

/* A root directory of that many files, and as many below a directory in it. */
static void check_first(unsigned files, unsigned level)
{
	struct memory_pages m = {0};
	struct first_pages first;
	struct page_builder *b;
	struct digest root;
	uint64_t entries, bytes;
	unsigned at = 0, listed = 0;
	assert_int_equal(page_builder_new(memory_pages_emit, &m, &b), 0);
	struct entry e = plain_root();
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	for (unsigned i = 0; i < 2 * files; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%08u", i % files);
		e = plain_file(i < files ? "" : "below", name);
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, &root, &entries, &bytes, NULL), 0);
	page_builder_first(b, &first);
	page_builder_free(b);

	struct page page;
	assert_int_equal(memory_pages_get(&m, &root, &page), 0);
	assert_int_equal(page.level, level);
	while (page.level > 0) {
		struct page_child child;
		assert_int_equal(page_child(&page, 0, &child), 0);
		assert_true(digest_equal(&first.pages[at++], &child.digest));
		assert_int_equal(memory_pages_get(&m, &child.digest, &page), 0);
	}
	for (; level > 0; at++) {
		listed += page.count;
		if (at == first.count)
			break;
		assert_int_equal(memory_pages_get(&m, &first.pages[at], &page), 0);
		assert_int_equal(page_entry(&page, 0, &e), 0);
		assert_int_equal(e.parent.size, 0);
	}
	assert_int_equal(first.count, at);
	assert_true(level == 0 || listed > files || first.count == PAGES_FIRST_MAX);
	memory_pages_release(&m);
}

static void test_first_pages(void **state)
{
	(void)state;
	check_first(20, 0);
	check_first(200, 1);
	check_first(1000, 1);
	check_first(100000, 2);
}

/* Attributes so large that pages are cut by bytes, not by rows. */
static void test_large_rows(void **state)
{
	(void)state;
	struct samples *s = samples_new(13, 120);
	struct bytes xattrs = {0};
	static uint8_t value[XATTR_VALUE_SIZE_MAX];
	memset(value, 0xff, sizeof(value));
	assert_int_equal(
		xattr_append(&xattrs, span_of_string("user.x"), span_of(value, 50000)), 0);
	for (size_t i = 0; i < s->count; i++)
		s->entries[i].xattrs = span_of_bytes(&xattrs);
	struct memory_pages m = {0};
	struct digest root;
	size_t at = 0;
	unsigned level;
	assert_int_equal(memory_pages_build(&m, s->entries, s->count, &root, NULL), 0);
	check_tree(&m, &root, &level, s, &at);
	assert_true(m.count > 6 && m.count < 15);
	memory_pages_release(&m);

	/* One that no page can hold. */
	struct trouble t = {0};
	bytes_clear(&xattrs);
	for (int i = 0; i < 60; i++) {
		char name[] = {'x', (char)('0' + i / 10), (char)('0' + i % 10)};
		assert_int_equal(xattr_append(&xattrs, span_of(name, sizeof(name)),
					 span_of(value, sizeof(value))),
			0);
	}
	for (size_t i = 0; i < s->count; i++)
		s->entries[i].xattrs = (struct span){0};
	s->entries[5].xattrs = span_of_bytes(&xattrs);
	assert_int_equal(
		memory_pages_build(&m, s->entries, s->count, &root, &t), ERR_LIMIT);
	assert_non_null(strstr(t.text, "do not fit"));
	memory_pages_release(&m);
	bytes_release(&xattrs);
	samples_free(s);
}

/* Inner pages are cut by bytes too: a key of control characters takes six times its size.
 */
static void test_long_keys(void **state)
{
	(void)state;
	enum { DIRECTORIES = 60, FILES = 256 };
	static struct entry entries[DIRECTORIES * FILES];
	static char paths[DIRECTORIES][4000], names[FILES][8];
	for (size_t i = 0; i < FILES; i++)
		snprintf(names[i], sizeof(names[i]), "%05u", (unsigned)i & 0xffff);
	for (size_t i = 0; i < DIRECTORIES; i++) {
		memset(paths[i], 0x01, sizeof(paths[i]));
		for (size_t at = 250; at < sizeof(paths[i]); at += 250)
			paths[i][at] = '/';
		paths[i][0] = (char)('A' + i);
		for (size_t j = 0; j < FILES; j++) {
			struct entry *e = &entries[i * FILES + j];
			*e = plain_file("", names[j]);
			e->parent = span_of(paths[i], sizeof(paths[i]));
		}
	}
	struct memory_pages m = {0};
	struct digest root;
	struct page page;
	assert_int_equal(
		memory_pages_build(&m, entries, DIRECTORIES * FILES, &root, NULL), 0);
	for (size_t i = 0; i < m.count; i++)
		assert_true(m.pages[i].text.size < LEAF_BYTES_MAX + 50000);
	assert_int_equal(memory_pages_get(&m, &root, &page), 0);
	assert_int_equal(page.level, 2);
	memory_pages_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_chain_at_the_top),
		cmocka_unit_test(test_same_entries_same_root),
		cmocka_unit_test(test_an_edit_changes_few_pages),
		cmocka_unit_test(test_canonical_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_root_may_only_be_a_directory),
		cmocka_unit_test(test_nothing_added),
		cmocka_unit_test(test_emit_failure_is_passed_on),
		cmocka_unit_test(test_first_pages),
		cmocka_unit_test(test_large_rows),
		cmocka_unit_test(test_long_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
