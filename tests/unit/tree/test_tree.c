/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tree/tree.h"
#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

#define HERE_MAX 2000

/* A source that may have only some pages; the others are wished for. */
struct shelf {
	struct memory_pages pages;
	bool partial;
	bool here[HERE_MAX];
	bool wished[HERE_MAX];
	size_t hints;
};

static size_t shelf_index(struct shelf *f, const struct digest *digest)
{
	struct memory_page *page = memory_pages_find(&f->pages, digest);
	assert_non_null(page);
	size_t index = (size_t)(page - f->pages.pages);
	assert_true(index < HERE_MAX);
	return index;
}

static int shelf_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct shelf *f = ctx;
	size_t index = shelf_index(f, digest);
	if (f->partial && !f->here[index]) {
		f->wished[index] = true;
		return ERR_PENDING;
	}
	return memory_pages_get(&f->pages, digest, out);
}

static bool shelf_hint(void *ctx, const struct digest *digest)
{
	struct shelf *f = ctx;
	size_t index = shelf_index(f, digest);
	bool here = !f->partial || f->here[index];
	f->hints++;
	if (!here)
		f->wished[index] = true;
	return here;
}

/* What was wished for arrives; how many pages that were. */
static size_t shelf_deliver(struct shelf *f)
{
	size_t count = 0;
	for (size_t i = 0; i < HERE_MAX; i++) {
		count += f->wished[i] && !f->here[i];
		f->here[i] |= f->wished[i];
		f->wished[i] = false;
	}
	return count;
}

static struct page_source shelf_source(struct shelf *f)
{
	return (struct page_source){.page = shelf_page, .hint = shelf_hint, .ctx = f};
}

struct tree {
	struct samples *samples;
	struct shelf shelf;
	struct page_source source;
	struct digest root;
};

static struct tree *tree_new(uint64_t seed, size_t count)
{
	struct tree *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	t->samples = samples_new(seed, count);
	t->source = shelf_source(&t->shelf);
	assert_int_equal(memory_pages_build(&t->shelf.pages, t->samples->entries, count,
				 &t->root, NULL),
		0);
	return t;
}

/* Up to six levels of pages of about five rows. */
static struct tree *tree_new_deep(uint64_t seed, size_t count)
{
	struct tree *t = calloc(1, sizeof(*t));
	struct page page;
	assert_non_null(t);
	t->samples = samples_new(seed, count);
	t->source = shelf_source(&t->shelf);
	memory_pages_build_tiny(&t->shelf.pages, t->samples->entries, count, &t->root);
	assert_int_equal(memory_pages_get(&t->shelf.pages, &t->root, &page), 0);
	assert_true(page.level >= 3);
	return t;
}

static void tree_free(struct tree *t)
{
	memory_pages_release(&t->shelf.pages);
	samples_free(t->samples);
	free(t);
}

static void check_same(const struct entry *want, const struct entry *got)
{
	const char *difference = sample_difference(want, got);
	if (difference)
		fail_msg("%s", difference);
}

static void check_place(struct tree *t, const struct place *place, uint64_t rank)
{
	struct page page;
	struct entry e;
	assert_int_equal(place->rank, rank);
	assert_int_equal(memory_pages_get(&t->shelf.pages, &place->leaf, &page), 0);
	assert_int_equal(page_entry(&page, place->row, &e), 0);
	check_same(&t->samples->entries[rank], &e);
}

static void check_finds(struct tree *t, size_t step)
{
	for (size_t i = 0; i < t->samples->count; i += step) {
		const struct entry *want = &t->samples->entries[i];
		struct span path = sample_path(t->samples, want);
		struct place place;
		struct entry got;
		assert_int_equal(tree_find(&t->source, &t->root, want->parent, want->name,
					 &place, &got),
			0);
		check_same(want, &got);
		check_place(t, &place, i);
		assert_int_equal(
			tree_find_path(&t->source, &t->root, path, &place, &got), 0);
		check_same(want, &got);
		assert_int_equal(tree_at(&t->source, &t->root, i, 0, &place, &got), 0);
		check_same(want, &got);
		check_place(t, &place, i);
		assert_int_equal(
			tree_find(&t->source, &t->root, want->parent,
				sample_name(t->samples, 1000000 + i), &place, &got),
			ERR_ABSENT);
		assert_int_equal(tree_find(&t->source, &t->root, path,
					 span_of_string("none"), &place, &got),
			ERR_ABSENT);
	}
}

static void test_find(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 2, 50, 3000};
	for (size_t i = 0; i < 4; i++) {
		struct tree *t = tree_new(30 + i, sizes[i]);
		check_finds(t, 1 + sizes[i] / 200);
		tree_free(t);
	}
	struct tree *t = tree_new_deep(34, 1000);
	check_finds(t, 3);
	tree_free(t);
}

static void test_find_odd_paths(void **state)
{
	(void)state;
	struct tree *t = tree_new(35, 1000);
	static const char *const odd[] = {
		"/", "a/", "//", "..", "a/../b", "\xff\xff\xff", "."};
	char longest[PATH_SIZE_MAX + 10];
	memset(longest, 'x', sizeof(longest));
	struct place place;
	struct entry e;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		assert_int_equal(tree_find_path(&t->source, &t->root,
					 span_of_string(odd[i]), &place, &e),
			ERR_ABSENT);
	assert_int_equal(tree_find_path(&t->source, &t->root,
				 span_of(longest, sizeof(longest)), &place, &e),
		ERR_ABSENT);
	uint64_t first, end;
	assert_int_equal(tree_subtree(&t->source, &t->root,
				 span_of(longest, sizeof(longest)), &first, &end),
		ERR_LIMIT);
	tree_free(t);
}

static void check_rank(struct tree *t, struct span parent, struct span name)
{
	const struct samples *s = t->samples;
	uint64_t want = 0, rank;
	while (want < s->count && place_compare(s->entries[want].parent,
					  s->entries[want].name, parent, name) < 0)
		want++;
	assert_int_equal(tree_rank(&t->source, &t->root, parent, name, &rank), 0);
	assert_int_equal(rank, want);
}

static void check_ranks(struct tree *t)
{
	uint64_t count;
	for (size_t i = 0; i < t->samples->count; i += 17) {
		const struct entry *e = &t->samples->entries[i];
		check_rank(t, e->parent, e->name);
		check_rank(t, e->parent, span_of_string(""));
		check_rank(t, e->parent, span_of_string("\xff\xff"));
		check_rank(t, sample_path(t->samples, e), span_of_string(""));
		check_rank(t, e->parent, sample_name(t->samples, 1000000 + i));
	}
	check_rank(t, span_of_string("\xff\xff\xff"), span_of_string("z"));
	assert_int_equal(tree_count(&t->source, &t->root, &count), 0);
	assert_int_equal(count, t->samples->count);
	tree_free(t);
}

static void test_rank(void **state)
{
	(void)state;
	check_ranks(tree_new(36, 3000));
	check_ranks(tree_new_deep(43, 1000));
}

static bool below(struct span path, const struct entry *e)
{
	if (path.size == 0)
		return e->name.size > 0;
	return e->parent.size >= path.size &&
	       memcmp(e->parent.data, path.data, path.size) == 0 &&
	       (e->parent.size == path.size || e->parent.data[path.size] == '/');
}

static void check_subtrees(struct tree *t)
{
	const struct samples *s = t->samples;
	for (size_t i = 0; i < s->count; i++) {
		if (s->entries[i].type != ENTRY_DIRECTORY && i % 50 != 0)
			continue;
		struct span path = sample_path(t->samples, &s->entries[i]);
		uint64_t first, end, inside = 0;
		assert_int_equal(tree_subtree(&t->source, &t->root, path, &first, &end), 0);
		for (size_t k = 0; k < s->count; k++) {
			assert_int_equal(
				below(path, &s->entries[k]), k >= first && k < end);
			inside += below(path, &s->entries[k]);
		}
		assert_int_equal(end - first, inside);
	}
	tree_free(t);
}

static void test_subtree(void **state)
{
	(void)state;
	check_subtrees(tree_new(37, 3000));
	check_subtrees(tree_new_deep(44, 1000));
}

static void check_children(struct tree *t)
{
	const struct samples *s = t->samples;

	for (size_t i = 0; i < s->count; i++) {
		struct span path = sample_path(t->samples, &s->entries[i]);
		uint64_t first, end;

		if (s->entries[i].type != ENTRY_DIRECTORY)
			continue;
		assert_int_equal(
			tree_children(&t->source, &t->root, path, &first, &end), 0);
		for (size_t k = 0; k < s->count; k++)
			assert_int_equal(s->entries[k].name.size &&
						 span_equal(s->entries[k].parent, path),
				k >= first && k < end);
	}
	tree_free(t);
}

static void test_children(void **state)
{
	(void)state;
	check_children(tree_new(37, 3000));
	check_children(tree_new_deep(44, 1000));
}

static void check_bytes(struct tree *t, uint64_t first, uint64_t end)
{
	const struct samples *s = t->samples;
	uint64_t want = 0, bytes;

	for (uint64_t k = first; k < end && k < s->count; k++)
		if (s->entries[k].type == ENTRY_FILE)
			want = page_bytes_add(want, s->entries[k].size);
	assert_int_equal(tree_bytes(&t->source, &t->root, first, end, &bytes), 0);
	assert_true(bytes == want);
}

static unsigned pages_asked;
static int count_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct page_source *inner = ctx;

	pages_asked++;
	return inner->page(inner->ctx, digest, out);
}

/* From the subtotals: at the cost of the pages on the way to both ends. */
static void test_bytes(void **state)
{
	struct tree *t = tree_new(36, 3000);
	struct page_source inner = t->source;
	uint64_t count = t->samples->count, bytes;

	(void)state;
	for (uint64_t first = 0; first <= count; first += 97)
		for (uint64_t end = 0; end <= count + 200; end += 101)
			check_bytes(t, first, end);
	check_bytes(t, 0, count);
	inner.hint = NULL;
	t->source = (struct page_source){.page = count_page, .ctx = &inner};
	assert_int_equal(tree_bytes(&t->source, &t->root, 1, count - 1, &bytes), 0);
	assert_true(pages_asked <= 2 * PAGE_LEVEL_MAX + 1);
	pages_asked = 0;
	assert_int_equal(tree_bytes(&t->source, &t->root, 0, count, &bytes), 0);
	assert_int_equal(pages_asked, 1);
	tree_free(t);
}

struct walker {
	struct tree *tree;
	uint64_t next, stop;
};

static int walk_on(void *ctx, const struct place *place, const struct entry *entry)
{
	struct walker *w = ctx;
	if (w->next == w->stop)
		return 99;
	assert_int_equal(place->rank, w->next);
	check_same(&w->tree->samples->entries[w->next], entry);
	if (w->next % 50 == 0)
		check_place(w->tree, place, w->next);
	w->next++;
	return 0;
}

static void check_walks(struct tree *t)
{
	uint64_t count = t->samples->count;
	const uint64_t starts[] = {0, 1, count / 3, count - 1, count, count + 2000};
	for (size_t i = 0; i < 6; i++) {
		struct walker w = {.tree = t, .next = starts[i], .stop = UINT64_MAX};
		assert_int_equal(
			tree_walk(&t->source, &t->root, starts[i], 4, walk_on, &w), 0);
		assert_int_equal(w.next, starts[i] < count ? count : starts[i]);
		w = (struct walker){.tree = t, .next = starts[i], .stop = starts[i] + 10};
		int want = starts[i] + 10 < count ? 99 : 0;
		assert_int_equal(
			tree_walk(&t->source, &t->root, starts[i], 4, walk_on, &w), want);
	}
	struct place place;
	struct entry e;
	assert_int_equal(tree_at(&t->source, &t->root, count, 1, &place, &e), ERR_ABSENT);
	tree_free(t);
}

static void test_walk(void **state)
{
	(void)state;
	check_walks(tree_new(38, 3000));
	check_walks(tree_new_deep(45, 1000));
}

static void test_walk_asks_once(void **state)
{
	(void)state;
	struct tree *t = tree_new(39, 3000);
	struct walker w = {.tree = t, .stop = UINT64_MAX};
	/* Places are looked up in the same pages: count without them. */
	t->shelf.pages.asked = 0;
	assert_int_equal(tree_walk(&t->source, &t->root, 0, 3, walk_on, &w), 0);
	assert_true(t->shelf.pages.count > 5);
	assert_int_equal(t->shelf.pages.asked - 60, t->shelf.pages.count);
	assert_int_equal(
		t->shelf.hints, t->shelf.pages.count - 2); /* all but root, first leaf */
	t->source.hint = NULL;
	w.next = 0;
	assert_int_equal(tree_walk(&t->source, &t->root, 0, 3, walk_on, &w), 0);
	tree_free(t);
}

/* With nothing here, a walk asks for the leaves ahead too, and goes on where it was. */
static size_t check_pending_walk(struct tree *t)
{
	struct walker w = {.tree = t, .stop = UINT64_MAX};
	size_t rounds = 0, pages = 0;
	t->shelf.partial = true;
	for (;;) {
		struct place place;
		struct entry e;
		int at = tree_at(&t->source, &t->root, w.next, 3, &place, &e);
		assert_true(at == 0 || at == ERR_PENDING || at == ERR_ABSENT);
		int err = at == 0 ? tree_walk(&t->source, &t->root, w.next, 3, walk_on, &w)
				  : at;
		if (err != ERR_PENDING)
			break;
		size_t got = shelf_deliver(&t->shelf);
		assert_true(got > 0);
		pages += got;
		rounds++;
	}
	assert_int_equal(w.next, t->samples->count);
	assert_int_equal(pages, t->shelf.pages.count);
	tree_free(t);
	return rounds;
}

static void test_pending_walk(void **state)
{
	(void)state;
	struct tree *t = tree_new(40, 3000);
	size_t pages = t->shelf.pages.count;
	assert_true(check_pending_walk(t) < 2 + (pages + 3) / 4 + 1);
	t = tree_new_deep(46, 500);
	pages = t->shelf.pages.count;
	/* 55 of 152; 74 without asking for inner pages ahead. */
	assert_true(check_pending_walk(t) < pages * 2 / 5);
}

/* Hints [first, end) until nothing is left; how many pages came. */
static size_t hint_all(struct tree *t, uint64_t first, uint64_t end, unsigned most)
{
	size_t pages = 0;
	t->shelf.partial = true;
	while (first < end) {
		uint64_t reached = tree_hint(&t->source, &t->root, first, end, most);
		size_t got = shelf_deliver(&t->shelf);
		assert_true(reached >= first && reached <= end);
		assert_true(got > 0 || reached > first);
		assert_true(got <= most + PAGE_LEVEL_MAX);
		first = reached;
		pages += got;
	}
	return pages;
}

static void test_hint(void **state)
{
	(void)state;
	for (unsigned most = 1; most <= 100; most += 33) {
		struct tree *t = tree_new_deep(47, 500);
		struct walker w = {.tree = t, .stop = UINT64_MAX};
		assert_int_equal(hint_all(t, 0, 500, most), t->shelf.pages.count);
		t->source.hint = NULL;
		assert_int_equal(tree_walk(&t->source, &t->root, 0, 0, walk_on, &w), 0);
		tree_free(t);
	}
}

/* One entry is one page of each level, and nothing is asked for where there is no more. */
static void test_hint_little(void **state)
{
	(void)state;
	struct tree *t = tree_new_deep(48, 500);
	struct page root;
	assert_int_equal(memory_pages_get(&t->shelf.pages, &t->root, &root), 0);
	assert_int_equal(hint_all(t, 250, 251, 100), root.level + 1);
	assert_int_equal(tree_hint(&t->source, &t->root, 500, 600, 100), 600);
	assert_int_equal(tree_hint(&t->source, &t->root, 0, 500, 0), 0);
	assert_int_equal(shelf_deliver(&t->shelf), 0);
	tree_free(t);
}

static void test_pending_find(void **state)
{
	(void)state;
	struct tree *t = tree_new(41, 3000);
	const struct entry *want = &t->samples->entries[1500];
	struct place place;
	struct entry e;
	uint64_t rank, first, end;
	t->shelf.partial = true;
	assert_int_equal(
		tree_find(&t->source, &t->root, want->parent, want->name, &place, &e),
		ERR_PENDING);
	assert_int_equal(shelf_deliver(&t->shelf), 1);
	assert_int_equal(tree_rank(&t->source, &t->root, want->parent, want->name, &rank),
		ERR_PENDING);
	assert_int_equal(shelf_deliver(&t->shelf), 1);
	assert_int_equal(
		tree_find(&t->source, &t->root, want->parent, want->name, &place, &e), 0);
	check_same(want, &e);
	/* Both ends of a subtree are asked for at once. */
	int err = tree_subtree(&t->source, &t->root, span_of_string("a1"), &first, &end);
	assert_true(err == 0 || err == ERR_PENDING);
	tree_free(t);
}

/* Pages that do not fit together are found out. */
static int swapped_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct shelf *f = ctx;
	size_t index = shelf_index(f, digest);
	/* The second leaf stands in for the first. */
	return page_view(
		span_of_bytes(&f->pages.pages[index == 0 ? 1 : index].packed), out);
}

static int ignore_entry(void *ctx, const struct place *place, const struct entry *entry)
{
	(void)ctx;
	(void)place;
	(void)entry;
	return 0;
}

static void test_inconsistent_pages(void **state)
{
	(void)state;
	struct tree *t = tree_new(42, 3000);
	struct page_source swapped = {.page = swapped_page, .ctx = &t->shelf};
	assert_int_equal(
		tree_walk(&swapped, &t->root, 0, 0, ignore_entry, NULL), ERR_CORRUPT);
	tree_free(t);
}

/* An inner page that lies about one of its two leaves. */
static void check_lie(struct tree *t, bool entries, bool key, bool order)
{
	struct page first, second;
	struct memory_pages *m = &t->shelf.pages;
	assert_int_equal(page_view(span_of_bytes(&m->pages[0].packed), &first), 0);
	assert_int_equal(page_view(span_of_bytes(&m->pages[1].packed), &second), 0);
	struct entry last[2];
	assert_int_equal(page_entry(&first, first.count - 1, &last[0]), 0);
	assert_int_equal(page_entry(&second, second.count - 1, &last[1]), 0);
	char text[2000];
	char hex[2][DIGEST_HEX_SIZE];
	digest_to_hex(&m->pages[0].name, hex[0]);
	digest_to_hex(&m->pages[order ? 0 : 1].name, hex[1]);
	snprintf(text, sizeof(text),
		"{\"cairn\":\"inner\",\"level\":1,\"columns\":[\"page\",\"parent\","
		"\"name\","
		"\"entries\",\"bytes\"],\"children\":[[\"%s\",\"\",\"n099\",%u,0],"
		"[\"%s\",\"%s\",\"n199\",%u,0]]}",
		hex[0], first.count + (entries ? 1 : 0), hex[1], key ? "x" : "",
		second.count);
	struct digest name = digest_of(text, strlen(text));
	assert_int_equal(memory_pages_emit(m, &name, span_of_string(text)), 0);
	int want = entries || key || order ? ERR_CORRUPT : 0;
	assert_int_equal(tree_walk(&t->source, &name, 0, 2, ignore_entry, NULL), want);
}

/* Two leaves of a hundred rows each. */
static void make_two_leaves(struct memory_pages *m)
{
	static char names[200][8];
	for (size_t leaf = 0; leaf < 2; leaf++) {
		struct entry entries[100];
		for (size_t i = 0; i < 100; i++) {
			char *name = names[leaf * 100 + i];
			snprintf(name, 8, "n%03u", (unsigned)(leaf * 100 + i) % 1000);
			entries[i] = (struct entry){.type = ENTRY_FIFO,
				.links = 1,
				.name = span_of_string(name)};
		}
		struct digest root;
		for (size_t i = 0; i < 100; i++)
			entries[i].mode = 0600;
		assert_int_equal(memory_pages_build(m, entries, 100, &root, NULL), 0);
		assert_int_equal(m->count, leaf + 1);
	}
}

static void test_lying_pages(void **state)
{
	(void)state;
	struct tree *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	t->samples = samples_new(1, 1);
	t->source = shelf_source(&t->shelf);
	make_two_leaves(&t->shelf.pages);
	check_lie(t, false, false, false);
	check_lie(t, true, false, false);
	check_lie(t, false, true, false);
	check_lie(t, false, false, true);
	tree_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_odd_paths),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_subtree),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_asks_once),
		cmocka_unit_test(test_pending_walk),
		cmocka_unit_test(test_hint),
		cmocka_unit_test(test_hint_little),
		cmocka_unit_test(test_pending_find),
		cmocka_unit_test(test_inconsistent_pages),
		cmocka_unit_test(test_lying_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
