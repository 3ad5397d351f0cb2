/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/page_builder.h"
#include "publish/blobs.h"
#include "publish/comparison.h"
#include "publish/store_dry.h"
#include "publish/store_memory.h"
#include "util/error.h"

static struct store *store;

static int set_up(void **state)
{
	(void)state;
	store = store_memory_new();
	return store ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	return 0;
}

static struct scratches *scratches;
static struct blobs *blobs;

static int emit(void *ctx, const struct digest *name, struct span text)
{
	struct scratch *x = scratch_take(scratches);
	int rc = blobs_put(blobs, x, name, text, NULL, NULL);

	(void)ctx;
	scratch_give(scratches, x);
	return rc;
}

static struct entry named(const char *name, int64_t mtime)
{
	return (struct entry){.parent = span_of_string(""),
		.name = span_of_string(name),
		.type = *name ? ENTRY_FILE : ENTRY_DIRECTORY,
		.mode = 0755,
		.links = *name ? 1 : 2,
		.mtime = mtime};
}

#define COUNT 9000 /* more than a page has */

/* The root, and "00000" to "08999" whose numbers are divisible by `step`. */
static struct digest make_tree(unsigned step)
{
	struct page_builder *b;
	struct digest root;
	uint64_t entries, bytes;
	char name[16];
	struct entry e = named("", 1);

	scratches = scratches_new(store, NULL);
	blobs = blobs_new(store, 1, 2, false);
	assert_int_equal(page_builder_new(emit, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	for (unsigned i = 0; i < COUNT; i += step) {
		snprintf(name, sizeof name, "%05u", i);
		e = named(name, 1);
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, &root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
	blobs_free(blobs);
	scratches_free(scratches);
	return root;
}

struct seen {
	unsigned added, removed, changed;
	int stop;
};

static int see(void *ctx, const struct entry *before, const struct entry *after)
{
	struct seen *s = ctx;

	assert_true(before || after);
	if (before && after)
		assert_true(span_equal(before->name, after->name));
	s->added += !before;
	s->removed += !after;
	s->changed += before && after;
	return s->stop;
}

/* The tree of each second number, beside one of each third; one in five of these has
 * another time. */
static void test_two_trees(void **state)
{
	struct digest root = make_tree(2);
	struct seen s = {0};
	struct comparison *c = comparison_new(store, &root, see, &s);
	unsigned added = 0, removed = 0, changed = 0;
	struct entry e = named("", 1);
	char name[16];

	(void)state;
	assert_int_equal(comparison_add(c, &e), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		bool before = i % 2 == 0, after = i % 3 == 0;

		snprintf(name, sizeof name, "%05u", i);
		e = named(name, i % 5 == 0 ? 2 : 1);
		if (after)
			assert_int_equal(comparison_add(c, &e), 0);
		added += after && !before;
		removed += before && !after;
		changed += before && after && i % 5 == 0;
	}
	assert_int_equal(comparison_finish(c), 0);
	assert_int_equal(s.added, added);
	assert_int_equal(s.removed, removed);
	assert_int_equal(s.changed, changed);
	comparison_free(c);
}

static void test_nothing_before(void **state)
{
	struct seen s = {0};
	struct comparison *c = comparison_new(store, NULL, see, &s);
	struct entry e = named("", 1);

	(void)state;
	assert_int_equal(comparison_add(c, &e), 0);
	e = named("x", 1);
	assert_int_equal(comparison_add(c, &e), 0);
	assert_int_equal(comparison_finish(c), 0);
	assert_int_equal(s.added, 2);
	assert_int_equal(s.removed + s.changed, 0);
	comparison_free(c);
}

static void test_can_be_stopped(void **state)
{
	struct seen s = {.stop = 77};
	struct comparison *c = comparison_new(store, NULL, see, &s);
	struct entry e = named("", 1);

	(void)state;
	assert_int_equal(comparison_add(c, &e), 77);
	comparison_free(c);
}

static void test_a_store_without_its_pages(void **state)
{
	struct digest root = digest_of("nothing", 7);
	struct seen s = {0};
	struct comparison *c = comparison_new(store, &root, see, &s);
	struct entry e = named("", 1);

	(void)state;
	/* not there is not the same as empty */
	assert_int_not_equal(comparison_add(c, &e), 0);
	assert_int_equal(s.added, 0);
	comparison_free(c);
}

/* ---- the store that keeps nothing */

static void test_a_dry_store(void **state)
{
	struct store *below = store_memory_new(), *dry;
	struct digest a = digest_of("a", 1), b = digest_of("b", 1);
	struct stored found;
	uint64_t count, bytes;

	(void)state;
	assert_int_equal(store_write_blob(below, &a, span_of("aaaa", 4), NULL), 0);
	dry = store_dry_new(below, "unused");
	assert_int_equal(store_write_blob(dry, &b, span_of("bbb", 3), NULL), 0);
	assert_int_equal(store_write_blob(dry, &b, span_of("bbb", 3), NULL), 0);
	store_dry_count(dry, &count, &bytes);
	assert_int_equal(count, 1);
	assert_int_equal(bytes, 3);
	assert_int_equal(store_find_blob(dry, &b, &found, NULL), ERR_ABSENT);
	assert_int_equal(store_find_blob(below, &b, &found, NULL), ERR_ABSENT);
	assert_int_not_equal(store_find_blob(dry, &a, &found, NULL), ERR_ABSENT);
	assert_int_equal(store_sync(dry, NULL), 0);
	store_close(dry);
	dry = store_dry_new(NULL, "nowhere");
	assert_string_equal(store_name(dry), "nowhere");
	assert_int_equal(store_find_blob(dry, &a, &found, NULL), ERR_ABSENT);
	store_close(dry);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_two_trees),
		TEST(test_nothing_before),
		TEST(test_can_be_stopped),
		TEST(test_a_store_without_its_pages),
		TEST(test_a_dry_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
