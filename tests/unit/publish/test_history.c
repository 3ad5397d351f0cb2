/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "format/page_builder.h"
#include "format/recipe.h"
#include "publish/history.h"
#include "publish/store_directory.h"
#include "unit/trees.h"

#define FILES 3000
#define CHUNKS (RECIPE_ROWS + 500) /* a recipe of two levels */
#define CHUNK 1000

static char *directory;
static struct store *store;
static struct blob_codec *codec;

static int set_up(void **state)
{
	struct trouble t = {0};

	(void)state;
	directory = trees_new();
	codec = blob_codec_new();
	return store_directory_open(trees_path(directory, "store"), STORE_MAKE, &store, &t);
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	blob_codec_free(codec);
	trees_remove(directory);
	return 0;
}

static int emit(void *ctx, const struct digest *name, struct span text)
{
	struct bytes stored = {0};

	(void)ctx;
	assert_int_equal(blob_encode(codec, text, 1, &stored), 0);
	assert_int_equal(store_write_blob(store, name, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return 0;
}

static struct digest number(unsigned i)
{
	return digest_of(&i, sizeof i);
}

static struct digest make_tree(void)
{
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	struct page_builder *b;
	uint64_t entries, bytes;
	struct digest root;
	char name[16];

	assert_int_equal(page_builder_new(emit, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%06u", i);
		e = (struct entry){.type = ENTRY_FILE, .mode = 0644, .links = 1, .size = i};
		e.name = span_of_string(name);
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, &root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
	return root;
}

static void test_finds_entries(void **state)
{
	struct digest root = make_tree();
	struct history *h = history_new(store, &root);
	struct entry e;

	(void)state;
	/* far apart, so that more leaves are asked for than are held */
	for (unsigned i = 0; i < 3 * FILES; i += 97) {
		unsigned n = i * 31 % FILES;
		char name[16];

		snprintf(name, sizeof name, "f%06u", n);
		assert_int_equal(
			history_find(h, span_of("", 0), span_of_string(name), &e), 0);
		assert_int_equal(e.size, n);
	}
	assert_int_equal(
		history_find(h, span_of("", 0), span_of_string("none"), &e), ERR_ABSENT);
	history_free(h);
	h = history_new(store, NULL);
	assert_int_equal(
		history_find(h, span_of("", 0), span_of_string("f000001"), &e), ERR_ABSENT);
	history_free(h);
}

static struct object_ref make_object(void)
{
	struct chunk_ref *chunks = malloc(CHUNKS * sizeof *chunks);
	struct object_ref o = {
		.digest = digest_of("o", 1), .size = CHUNKS * CHUNK, .form = OBJECT_RECIPE};

	for (unsigned i = 0; i < CHUNKS; i++)
		chunks[i] = (struct chunk_ref){number(i), CHUNK};
	assert_int_equal(recipe_build(chunks, CHUNKS, emit, NULL, &o.recipe), 0);
	free(chunks);
	return o;
}

static void test_finds_chunks_by_recipe(void **state)
{
	struct object_ref o = make_object();
	struct history *h = history_new(store, NULL);
	struct digest found, expected;

	(void)state;
	for (unsigned i = 0; i < CHUNKS; i += 333) {
		expected = number(i);
		assert_int_equal(history_chunk(h, &o, i * CHUNK + i % CHUNK, &found), 0);
		assert_true(digest_equal(&found, &expected));
	}
	expected = number(CHUNKS - 1);
	assert_int_equal(history_chunk(h, &o, o.size - 1, &found), 0);
	assert_true(digest_equal(&found, &expected));
	assert_int_equal(history_chunk(h, &o, o.size, &found), ERR_ABSENT);
	history_free(h);
}

static void test_finds_chunks_by_list(void **state)
{
	uint8_t list[3 * CHUNK_RECORD_SIZE];
	struct object_ref o = {.size = 60, .form = OBJECT_LISTED, .count = 3, .list = list};
	struct history *h = history_new(store, NULL);
	struct digest found, expected;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		chunk_list_put(list, i, &(struct chunk_ref){number(i), 10 * (i + 1)});
	for (uint64_t at = 0; at < 60; at++) {
		expected = number(at < 10 ? 0 : at < 30 ? 1 : 2);
		assert_int_equal(history_chunk(h, &o, at, &found), 0);
		assert_true(digest_equal(&found, &expected));
	}
	assert_int_equal(history_chunk(h, &o, 60, &found), ERR_ABSENT);
	o = (struct object_ref){.digest = number(9), .size = 5, .form = OBJECT_SINGLE};
	expected = number(9);
	assert_int_equal(history_chunk(h, &o, 4, &found), 0);
	assert_true(digest_equal(&found, &expected));
	history_free(h);
}

struct order {
	unsigned chunks, others;
};

static int each(void *ctx, const struct digest *blob, uint64_t size)
{
	struct order *o = ctx;
	struct digest next = number(o->chunks);

	if (digest_equal(blob, &next))
		o->chunks++;
	else
		o->others++;
	assert_int_equal(size, digest_equal(blob, &next) ? CHUNK : 0);
	return 0;
}

static int refuse(void *ctx, const struct digest *blob, uint64_t size)
{
	(void)ctx;
	(void)blob;
	(void)size;
	return ERR_ABSENT;
}

static void test_steps_through_all_blobs(void **state)
{
	struct object_ref o = make_object();
	struct history *h = history_new(store, NULL);
	struct order order = {0};

	(void)state;
	assert_int_equal(history_each_blob(h, &o, each, &order), 0);
	assert_int_equal(order.chunks, CHUNKS);
	assert_int_equal(order.others, 3); /* the root and two leaves */
	assert_int_equal(history_each_blob(h, &o, refuse, NULL), ERR_ABSENT);
	o.recipe = number(1);
	assert_int_equal(history_each_blob(h, &o, each, &order), ERR_ABSENT);
	history_free(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_finds_entries),
		TEST(test_finds_chunks_by_recipe),
		TEST(test_finds_chunks_by_list),
		TEST(test_steps_through_all_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
