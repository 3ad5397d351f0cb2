/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tree/diff.h"
#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

#define HERE_MAX 4000

/* Pages of two revisions; when `partial`, those that were asked for come one round later,
 * and of what is asked for in one round only the first `at_once` (0: all). */
struct shelf {
	struct memory_pages pages;
	bool partial;
	size_t at_once, wishes;
	bool here[HERE_MAX], wished[HERE_MAX];
};

static size_t shelf_index(struct shelf *f, const struct digest *digest)
{
	struct memory_page *page = memory_pages_find(&f->pages, digest);
	assert_non_null(page);
	size_t index = (size_t)(page - f->pages.pages);
	assert_true(index < HERE_MAX);
	return index;
}

static void shelf_wish(struct shelf *f, size_t index)
{
	if (f->here[index] || f->wished[index] || (f->at_once && f->wishes == f->at_once))
		return;
	f->wished[index] = true;
	f->wishes++;
}

static int shelf_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct shelf *f = ctx;
	size_t index = shelf_index(f, digest);
	shelf_wish(f, index);
	if (f->partial && !f->here[index])
		return ERR_PENDING;
	return memory_pages_get(&f->pages, digest, out);
}

static bool shelf_hint(void *ctx, const struct digest *digest)
{
	struct shelf *f = ctx;
	size_t index = shelf_index(f, digest);
	bool here = f->here[index];
	shelf_wish(f, index);
	return here;
}

static size_t shelf_deliver(struct shelf *f)
{
	size_t count = 0;
	for (size_t i = 0; i < HERE_MAX; i++) {
		count += f->wished[i] && !f->here[i];
		f->here[i] |= f->wished[i];
		f->wished[i] = false;
	}
	f->wishes = 0;
	return count;
}

/* Two lists of entries and the differences that are still to be heard of. */
struct pair {
	struct entry *before, *after;
	size_t before_count, after_count, before_at, after_at;
	size_t changes;
	int stop_after; /* < 0: never */
};

/* sample_difference() takes an inode of 0 for the derived one; entry_same() does not. */
static bool same(const struct entry *a, const struct entry *b)
{
	struct entry x = *a, y = *b;
	x.inode = sample_inode(a);
	y.inode = sample_inode(b);
	return entry_same(&x, &y);
}

/* Steps over what is the same, up to the next difference or the ends. */
static void skip_same(struct pair *p)
{
	while (p->before_at < p->before_count && p->after_at < p->after_count &&
		same(&p->before[p->before_at], &p->after[p->after_at])) {
		p->before_at++;
		p->after_at++;
	}
}

static int hear(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	struct pair *p = ctx;
	skip_same(p);
	const struct entry *want_before = p->before_at < p->before_count
						  ? &p->before[p->before_at]
						  : NULL;
	const struct entry *want_after = p->after_at < p->after_count
						 ? &p->after[p->after_at]
						 : NULL;
	assert_true(want_before || want_after);
	int order = !want_before  ? 1
		    : !want_after ? -1
				  : sample_order(want_before, want_after);
	enum tree_change want = order < 0   ? TREE_REMOVED
				: order > 0 ? TREE_ADDED
					    : TREE_CHANGED;
	assert_int_equal(change, want);
	assert_true((before != NULL) == (order <= 0));
	assert_true((after != NULL) == (order >= 0));
	if (before)
		assert_null(sample_difference(&p->before[p->before_at++], before));
	if (after)
		assert_null(sample_difference(&p->after[p->after_at++], after));
	p->changes++;
	return p->stop_after >= 0 && (int)p->changes > p->stop_after ? 77 : 0;
}

static void build_both(struct shelf *f, const struct pair *p, bool tiny,
	struct digest *before, struct digest *after)
{
	if (tiny) {
		memory_pages_build_tiny(&f->pages, p->before, p->before_count, before);
		memory_pages_build_tiny(&f->pages, p->after, p->after_count, after);
		return;
	}
	assert_int_equal(
		memory_pages_build(&f->pages, p->before, p->before_count, before, NULL), 0);
	assert_int_equal(
		memory_pages_build(&f->pages, p->after, p->after_count, after, NULL), 0);
}

/* The difference is just what the lists say; returns how many pages were looked at. */
static size_t check_diff_of(struct shelf *f, struct pair *p, bool tiny)
{
	struct page_source s = {.page = shelf_page, .hint = shelf_hint, .ctx = f};
	struct tree_told told = {0};
	struct digest before, after;
	build_both(f, p, tiny, &before, &after);
	p->before_at = p->after_at = p->changes = 0;
	p->stop_after = -1;
	f->pages.asked = 0;
	assert_int_equal(tree_diff(&s, &before, &after, &told, hear, p), 0);
	skip_same(p);
	assert_int_equal(p->before_at, p->before_count);
	assert_int_equal(p->after_at, p->after_count);
	return f->pages.asked;
}

static size_t check_diff(struct shelf *f, struct pair *p)
{
	return check_diff_of(f, p, false);
}

/* Copies `count` entries from `at` of the samples. */
static struct entry *copy_entries(const struct samples *s, size_t at, size_t count)
{
	struct entry *copy = calloc(count + 1, sizeof(*copy));
	assert_non_null(copy);
	memcpy(copy, s->entries + at, count * sizeof(*copy));
	return copy;
}

/* Changes, removes and adds about `edits` of them in all. */
static void edit(struct samples *s, struct pair *p, size_t edits)
{
	size_t count = 0;
	p->before = s->entries;
	p->before_count = s->count;
	p->after = calloc(s->count + edits, sizeof(*p->after));
	assert_non_null(p->after);
	for (size_t i = 0; i < s->count; i++) {
		uint64_t dice = i > 0 ? sample_below(s, s->count) : s->count;
		if (dice < edits / 3)
			continue;
		p->after[count] = s->entries[i];
		if (dice >= edits / 3 && dice < 2 * edits / 3)
			p->after[count].mtime++;
		count++;
		if (dice >= 2 * edits / 3 && dice < edits && count + 1 < s->count + edits) {
			p->after[count] = s->entries[i];
			p->after[count++].name = sample_name(s, 1000000 + i);
		}
	}
	p->after_count = count;
	qsort(p->after, count, sizeof(*p->after), sample_order);
}

static void test_random_edits(void **state)
{
	(void)state;
	static const struct {
		size_t count, edits;
	} cases[] = {
		{1, 0}, {5, 3}, {300, 3}, {300, 300}, {5000, 6}, {5000, 60}, {5000, 3000}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct samples *s = samples_new(50 + i, cases[i].count);
		struct shelf f = {0};
		struct pair p;
		edit(s, &p, cases[i].edits);
		check_diff(&f, &p);
		/* And back. */
		struct pair back = {.before = p.after,
			.before_count = p.after_count,
			.after = p.before,
			.after_count = p.before_count};
		check_diff(&f, &back);
		assert_int_equal(p.changes, back.changes);
		free(p.after);
		memory_pages_release(&f.pages);
		samples_free(s);
	}
}

static void test_the_same(void **state)
{
	(void)state;
	struct samples *s = samples_new(60, 1000);
	struct shelf f = {0};
	struct pair p = {.before = s->entries,
		.before_count = s->count,
		.after = s->entries,
		.after_count = s->count};
	assert_int_equal(check_diff(&f, &p), 0);
	assert_int_equal(p.changes, 0);
	memory_pages_release(&f.pages);
	samples_free(s);
}

/* The cost is that of the changed pages. */
static void test_cost(void **state)
{
	(void)state;
	struct samples *s = samples_new(61, 10000);
	for (size_t at = 500; at < s->count; at += 2500) {
		struct shelf f = {0};
		struct pair p = {.before = s->entries,
			.before_count = s->count,
			.after = copy_entries(s, 0, s->count),
			.after_count = s->count};
		p.after[at].mtime++;
		/* Root and leaf of each. */
		assert_int_equal(check_diff(&f, &p), 4);
		assert_int_equal(p.changes, 1);
		assert_true(f.pages.count > 20);
		free(p.after);
		memory_pages_release(&f.pages);
	}
	samples_free(s);
}

/* A block of thousands goes: what is behind it is not opened. */
static void test_block(void **state)
{
	(void)state;
	struct samples *s = samples_new(62, 10000);
	struct shelf f = {0};
	struct pair p = {.before = s->entries,
		.before_count = s->count,
		.after = copy_entries(s, 0, s->count - 5000),
		.after_count = s->count - 5000};
	memcpy(p.after + 1000, s->entries + 6000, 4000 * sizeof(*p.after));
	size_t asked = check_diff(&f, &p);
	assert_int_equal(p.changes, 5000);
	/* Of about 40 leaves before, 20 are gone, and at the seam both have a few. */
	assert_true(asked < 32);
	free(p.after);
	memory_pages_release(&f.pages);
	samples_free(s);
}

static void test_nothing_in_common(void **state)
{
	(void)state;
	struct samples *s = samples_new(63, 2000), *other = samples_new(64, 1500);
	struct shelf f = {0};
	struct pair p = {.before = s->entries,
		.before_count = s->count,
		.after = other->entries,
		.after_count = other->count};
	check_diff(&f, &p);
	p.before_count = 1;
	check_diff(&f, &p);
	p.before_count = s->count;
	p.after_count = 1;
	check_diff(&f, &p);
	memory_pages_release(&f.pages);
	samples_free(s);
	samples_free(other);
}

/* Just whole leaves go: the one behind them is opened on one side only, by and by known as
 * the same. */
static void test_whole_leaves(void **state)
{
	(void)state;
	struct samples *s = samples_new(67, 5000);
	struct shelf f = {0};
	struct digest root;
	struct page page;
	size_t cuts[2] = {0};
	assert_int_equal(
		memory_pages_build(&f.pages, s->entries, s->count, &root, NULL), 0);
	assert_int_equal(memory_pages_get(&f.pages, &root, &page), 0);
	assert_int_equal(page.level, 1);
	assert_true(page.count > 9);
	for (uint32_t i = 0; i < 8; i++) {
		struct page_child child;
		assert_int_equal(page_child(&page, i, &child), 0);
		cuts[0] += i < 3 ? child.entries : 0;
		cuts[1] += child.entries;
	}
	struct pair p = {.before = s->entries,
		.before_count = s->count,
		.after = copy_entries(s, 0, s->count),
		.after_count = s->count - (cuts[1] - cuts[0])};
	memcpy(p.after + cuts[0], s->entries + cuts[1],
		(s->count - cuts[1]) * sizeof(*p.after));
	/* The roots, the five leaves and the one behind them. */
	assert_int_equal(check_diff(&f, &p), 2 + 5 + 1);
	assert_int_equal(p.changes, cuts[1] - cuts[0]);
	free(p.after);
	memory_pages_release(&f.pages);
	samples_free(s);
}

static void test_deep_trees(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct samples *s = samples_new(100 + seed, 20 + 40 * seed);
		struct shelf f = {0};
		struct pair p;
		edit(s, &p, seed % 3 ? 6 : 6 + 20 * seed);
		size_t asked = check_diff_of(&f, &p, true);
		struct pair back = {.before = p.after,
			.before_count = p.after_count,
			.after = p.before,
			.after_count = p.before_count};
		check_diff_of(&f, &back, true);
		assert_int_equal(p.changes, back.changes);
		/* A path of each tree for each change, and a page or two beside. */
		assert_true(asked <= 2 * 8 + p.changes * 2 * 8);
		free(p.after);
		memory_pages_release(&f.pages);
		samples_free(s);
	}
}

/* Whatever has to be fetched first, each change is heard of once, after few rounds; returns
 * how many. */
static size_t check_pending(struct samples *s, size_t edits, bool tiny)
{
	struct shelf *f = calloc(1, sizeof(*f));
	struct pair p;
	struct tree_told told = {0};
	assert_non_null(f);
	struct page_source source = {.page = shelf_page, .hint = shelf_hint, .ctx = f};
	struct digest before, after;
	edit(s, &p, edits);
	check_diff_of(f, &p, tiny);
	size_t changes = p.changes, rounds = 0;
	build_both(f, &p, tiny, &before, &after);
	memset(f->wished, 0, sizeof(f->wished));
	f->partial = true;
	p.before_at = p.after_at = p.changes = 0;
	while (tree_diff(&source, &before, &after, &told, hear, &p) == ERR_PENDING) {
		assert_true(shelf_deliver(f) > 0);
		rounds++;
	}
	assert_int_equal(p.changes, changes);
	free(p.after);
	memory_pages_release(&f->pages);
	free(f);
	return rounds;
}

static void test_pending(void **state)
{
	(void)state;
	struct samples *s = samples_new(65, 10000);
	assert_true(check_pending(s, 60, false) <= 4);
	samples_free(s);
	s = samples_new(68, 1000);
	/* 48; it would be 102 if nothing were asked for ahead below the roots. */
	assert_true(check_pending(s, 30, true) <= 60);
	samples_free(s);
}

/* However few pages come at a time, the cost is that of the changed pages, not of all of
 * them in each round. */
static void test_pending_cost(void **state)
{
	(void)state;
	struct samples *s = samples_new(69, 20000);
	struct shelf *f = calloc(1, sizeof(*f));
	struct pair p;
	struct tree_told told = {0};
	assert_non_null(f);
	struct page_source source = {.page = shelf_page, .hint = shelf_hint, .ctx = f};
	struct digest before, after;
	edit(s, &p, 1000);
	size_t at_once = check_diff(f, &p), changes = p.changes, rounds = 1;
	build_both(f, &p, false, &before, &after);
	memset(f->wished, 0, sizeof(f->wished));
	f->partial = true;
	f->at_once = 4;
	f->wishes = 0;
	f->pages.asked = 0;
	p.before_at = p.after_at = p.changes = 0;
	for (; tree_diff(&source, &before, &after, &told, hear, &p) == ERR_PENDING;
		rounds++)
		assert_in_range(shelf_deliver(f), 1, 4);
	assert_int_equal(p.changes, changes);
	assert_true(at_once > 100 && rounds > at_once / 4);
	/* Each round opens the way down from the two roots again. */
	assert_true(f->pages.asked < at_once + 6 * rounds);
	free(p.after);
	memory_pages_release(&f->pages);
	free(f);
	samples_free(s);
}

static void test_stopped(void **state)
{
	(void)state;
	struct samples *s = samples_new(66, 3000);
	struct shelf f = {0};
	struct pair p;
	struct page_source source = {.page = shelf_page, .ctx = &f}; /* no hints */
	struct tree_told told = {0};
	struct digest before, after;
	edit(s, &p, 300);
	check_diff(&f, &p);
	size_t changes = p.changes;
	build_both(&f, &p, false, &before, &after);
	p.before_at = p.after_at = p.changes = 0;
	p.stop_after = 10;
	assert_int_equal(tree_diff(&source, &before, &after, &told, hear, &p), 77);
	assert_int_equal(p.changes, 11);
	/* And goes on behind the change that it was stopped at. */
	p.stop_after = -1;
	assert_int_equal(tree_diff(&source, &before, &after, &told, hear, &p), 0);
	assert_int_equal(p.changes, changes);
	assert_int_equal(tree_diff(&source, &before, &after, &told, hear, &p), 0);
	assert_int_equal(p.changes, changes);
	free(p.after);
	memory_pages_release(&f.pages);
	samples_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_the_same),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_whole_leaves),
		cmocka_unit_test(test_deep_trees),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_pending_cost),
		cmocka_unit_test(test_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
