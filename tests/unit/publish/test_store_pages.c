/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/page_builder.h"
#include "publish/store_memory.h"
#include "publish/store_pages.h"

#define ENTRIES 60000 /* some hundred leaves, on three levels */
#define CHANGED_ONE_IN 7

static struct store *store;
static struct blob_codec *codec;
static struct digest first, second;

static int put_page(void *ctx, const struct digest *name, struct span text)
{
	struct bytes stored = {0};
	int rc = blob_encode(codec, text, 1, &stored);

	(void)ctx;
	if (!rc)
		rc = store_write_blob(store, name, span_of_bytes(&stored), NULL);
	bytes_release(&stored);
	return rc;
}

/* Files without content; in the second revision, of each seven one has another mode, one
 * is gone and one is new. */
static void build(bool is_second, struct digest *root)
{
	struct page_builder *b;
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	uint64_t entries, bytes;

	assert_int_equal(page_builder_new(put_page, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	e.type = ENTRY_FILE;
	e.links = 1;
	for (unsigned i = 0; i < ENTRIES; i++) {
		char name[16];
		unsigned rest = i % CHANGED_ONE_IN;

		if (rest == (is_second ? 1 : 2))
			continue;
		snprintf(name, sizeof name, "%06u", i);
		e.name = span_of_string(name);
		e.mode = is_second && rest == 0 ? 0600 : 0644;
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
}

static int set_up(void **state)
{
	(void)state;
	store = store_memory_new();
	codec = blob_codec_new();
	build(false, &first);
	build(true, &second);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	blob_codec_free(codec);
	return 0;
}

struct heard {
	uint64_t entries, stop_at; /* 0: never */
	unsigned last;		   /* the number that the last one is called by */
	uint64_t changes[3];
};

static int hear(void *ctx, const struct place *place, const struct entry *e)
{
	struct heard *heard = ctx;
	char name[16] = "";
	unsigned number;

	(void)place;
	if (e->name.size > 0)
		memcpy(name, e->name.data, e->name.size);
	number = (unsigned)atoi(name);
	assert_true(heard->entries < 2 || number > heard->last);
	heard->last = number;
	return ++heard->entries == heard->stop_at ? 42 : 0;
}

static int hear_change(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	struct heard *heard = ctx;

	heard->changes[change]++;
	return hear(ctx, NULL, after ? after : before);
}

static uint64_t count_of(unsigned rest)
{
	return (ENTRIES - rest + CHANGED_ONE_IN - 1) / CHANGED_ONE_IN;
}

static void changes_are_all(const struct heard *heard)
{
	assert_int_equal(heard->changes[TREE_CHANGED], count_of(0));
	assert_int_equal(heard->changes[TREE_REMOVED], count_of(1));
	assert_int_equal(heard->changes[TREE_ADDED], count_of(2));
}

/* However little it may keep, all is told, once and in order. */
static void test_walk(void **state)
{
	const uint64_t memory[] = {0, 1 << 20, 1 << 30};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct store_pages *p = store_pages_new(store, memory[i]);
		struct heard heard = {0};

		assert_int_equal(store_pages_walk(p, &first, 0, hear, &heard, NULL), 0);
		assert_int_equal(heard.entries, 1 + ENTRIES - count_of(2));
		heard = (struct heard){0};
		assert_int_equal(store_pages_walk(p, &first, 1400, hear, &heard, NULL), 0);
		assert_int_equal(heard.entries, 1 + ENTRIES - count_of(2) - 1400);
		heard = (struct heard){.stop_at = 777};
		assert_int_equal(store_pages_walk(p, &first, 0, hear, &heard, NULL), 42);
		store_pages_free(p);
	}
}

static void test_diff(void **state)
{
	const uint64_t memory[] = {0, 1 << 20, 1 << 30};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct store_pages *p = store_pages_new(store, memory[i]);
		struct tree_told told = {0};
		struct heard heard = {0};

		assert_int_equal(store_pages_diff(p, &first, &second, &told, hear_change,
					 &heard, NULL),
			0);
		changes_are_all(&heard);
		store_pages_free(p);
	}
}

/* As one does that prints some at a time. */
static void test_diff_goes_on(void **state)
{
	struct store_pages *p = store_pages_new(store, 0);
	struct tree_told told = {0};
	struct heard heard = {.stop_at = 1000};
	int rc;

	(void)state;
	while ((rc = store_pages_diff(
			p, &first, &second, &told, hear_change, &heard, NULL)) == 42)
		heard.stop_at += 1000;
	assert_int_equal(rc, 0);
	changes_are_all(&heard);
	store_pages_free(p);
}

static void test_page_gone(void **state)
{
	struct heard heard = {0};
	struct trouble t = {0};
	struct store_pages *p = store_pages_new(store, 0);

	(void)state;
	assert_int_equal(store_remove_blob(store, &first, NULL), 0);
	assert_int_equal(store_pages_walk(p, &first, 0, hear, &heard, &t), ERR_ABSENT);
	assert_int_equal(t.code, ERR_ABSENT);
	assert_int_equal(heard.entries, 0);
	store_pages_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_goes_on),
		cmocka_unit_test(test_page_gone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
