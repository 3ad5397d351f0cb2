/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/blob.h"
#include "format/recipe.h"

struct store {
	struct {
		struct digest name;
		struct bytes text, packed;
	} blobs[16];
	size_t count;
};

static int keep(void *ctx, const struct digest *name, struct span text)
{
	struct store *s = ctx;
	struct digest real = digest_of(text.data, text.size);
	assert_true(s->count < 16);
	assert_true(digest_equal(&real, name));
	s->blobs[s->count].name = *name;
	assert_int_equal(bytes_append(&s->blobs[s->count].text, text.data, text.size), 0);
	struct trouble t = {0};
	/* Behind a stray byte, so that nothing is aligned. */
	assert_int_equal(bytes_append(&s->blobs[s->count].packed, "x", 1), 0);
	int err = recipe_decode(text, &s->blobs[s->count].packed, &t);
	if (err != 0)
		fail_msg("%s", t.text);
	s->count++;
	return 0;
}

static void store_release(struct store *s)
{
	for (size_t i = 0; i < s->count; i++) {
		bytes_release(&s->blobs[i].text);
		bytes_release(&s->blobs[i].packed);
	}
}

static struct recipe view(struct store *s, const struct digest *name)
{
	struct recipe r;
	for (size_t i = 0; i < s->count; i++) {
		struct bytes *packed = &s->blobs[i].packed;
		if (!digest_equal(&s->blobs[i].name, name))
			continue;
		assert_int_equal(
			recipe_view(span_of(packed->data + 1, packed->size - 1), &r), 0);
		return r;
	}
	fail_msg("no such recipe");
	abort();
}

static struct chunk_ref *make_chunks(size_t count)
{
	struct chunk_ref *chunks = calloc(count, sizeof(*chunks));
	assert_non_null(chunks);
	for (size_t i = 0; i < count; i++) {
		chunks[i].digest = digest_of(&i, sizeof(i));
		chunks[i].size = 1 + (uint32_t)(i * 7919 % CHUNK_SIZE_MAX);
	}
	return chunks;
}

/* Goes down to the chunk at `offset`. */
static void check_offset(struct store *s, const struct digest *root, uint64_t offset,
	const struct chunk_ref *want, uint64_t ordinal, uint64_t start)
{
	struct digest name = *root;
	uint64_t before = 0, base = 0;
	for (;;) {
		struct recipe r = view(s, &name);
		struct recipe_hit hit;
		assert_int_equal(recipe_find(&r, offset - base, &hit), 0);
		assert_true(
			hit.start <= offset - base && offset - base - hit.start < hit.size);
		before += hit.ordinal;
		base += hit.start;
		name = hit.digest;
		if (r.level > 0)
			continue;
		assert_int_equal(hit.chunks, 1);
		assert_true(digest_equal(&hit.digest, &want->digest));
		assert_int_equal(hit.size, want->size);
		assert_int_equal(before, ordinal);
		assert_int_equal(base, start);
		return;
	}
}

static void check_build(size_t count, unsigned level, size_t blobs)
{
	struct chunk_ref *chunks = make_chunks(count);
	struct store s = {0};
	struct digest root;
	uint64_t start = 0;
	assert_int_equal(recipe_build(chunks, count, keep, &s, &root), 0);
	assert_int_equal(s.count, blobs);
	struct recipe top = view(&s, &root);
	assert_int_equal(top.level, level);
	assert_int_equal(top.chunks, count);
	for (size_t i = 0; i < count; i++) {
		if (i % 97 == 0 || i + 2 > count || i % RECIPE_ROWS < 2) {
			check_offset(&s, &root, start, &chunks[i], i, start);
			check_offset(&s, &root, start + chunks[i].size - 1, &chunks[i], i,
				start);
		}
		start += chunks[i].size;
	}
	struct recipe_hit hit;
	assert_int_equal(top.bytes, start);
	assert_int_equal(recipe_find(&top, start, &hit), ERR_ABSENT);
	assert_int_equal(recipe_at(&top, top.count, &hit), ERR_ABSENT);
	store_release(&s);
	free(chunks);
}

static void test_build_and_find(void **state)
{
	(void)state;
	check_build(OBJECT_LISTED_MAX + 1, 0, 1);
	check_build(RECIPE_ROWS, 0, 1);
	check_build(RECIPE_ROWS + 1, 1, 3);
	check_build(3 * RECIPE_ROWS + 5, 1, 5);
}

static void test_build_refuses(void **state)
{
	(void)state;
	struct chunk_ref *chunks = make_chunks(40);
	struct store s = {0};
	struct digest root;
	assert_int_equal(
		recipe_build(chunks, OBJECT_LISTED_MAX, keep, &s, &root), ERR_INVALID);
	chunks[5].size = 0;
	assert_int_equal(recipe_build(chunks, 40, keep, &s, &root), ERR_INVALID);
	chunks[5].size = CHUNK_SIZE_MAX + 1;
	assert_int_equal(recipe_build(chunks, 40, keep, &s, &root), ERR_INVALID);
	assert_int_equal(s.count, 0);
	free(chunks);
}

static int fail_at(void *ctx, const struct digest *name, struct span text)
{
	int *left = ctx;
	(void)name;
	(void)text;
	return (*left)-- > 0 ? 0 : ERR_NO_SPACE;
}

static void test_emit_failure_is_passed_on(void **state)
{
	(void)state;
	struct chunk_ref *chunks = make_chunks(RECIPE_ROWS + 1);
	struct digest root;
	for (int i = 0; i < 3; i++) {
		int left = i;
		assert_int_equal(
			recipe_build(chunks, RECIPE_ROWS + 1, fail_at, &left, &root),
			ERR_NO_SPACE);
	}
	free(chunks);
}

#define HEX8(x) x x x x x x x x
#define HEX32(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x)
#define A "\"" HEX32("aa") "\""
#define CHUNKS(rows) "{\"cairn\":\"recipe\",\"chunks\":[" rows "]}"
#define PARTS(level, rows) "{\"cairn\":\"recipe\",\"level\":" level ",\"parts\":[" rows "]}"

static void accept(const char *text)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	if (recipe_decode(span_of_string(text), &packed, &t) != 0)
		fail_msg("%s\n  %s", text, t.text);
	bytes_release(&packed);
}

static void refuse(const char *text)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	assert_int_equal(bytes_append(&packed, "kept", 4), 0);
	if (recipe_decode(span_of_string(text), &packed, &t) != ERR_CORRUPT)
		fail_msg("taken: %s", text);
	assert_true(t.text[0] != 0);
	assert_int_equal(packed.size, 4);
	bytes_release(&packed);
}

static void test_decode(void **state)
{
	(void)state;
	accept(CHUNKS("[" A ",1]"));
	accept(CHUNKS("[" A ",2097152],[" A ",1]"));
	accept(PARTS("1", "[" A ",4096,4096]"));
	accept(PARTS("1", "[" A ",4096,4096],[" A ",1,1]"));
	accept(PARTS("1", "[" A ",2,4194304]"));
	accept(PARTS("2", "[" A ",16777216,16777216],[" A ",4097,5000]"));
	static const char *const bad[] = {"", "[]", "{}", "{\"cairn\":\"leaf\"}",
		CHUNKS(""), CHUNKS("1"), CHUNKS("[]"), CHUNKS("[" A "]"),
		CHUNKS("[" A ",0]"), CHUNKS("[" A ",2097153]"), CHUNKS("[" A ",-1]"),
		CHUNKS("[" A ",1,1]"), CHUNKS("[1,1]"), CHUNKS("[\"aa\",1]"),
		PARTS("0", "[" A ",1,1]"), PARTS("5", "[" A ",1,1]"), PARTS("1", ""),
		PARTS("1", "[" A ",1]"), PARTS("1", "[" A ",0,1]"),
		PARTS("1", "[" A ",1,0]"), PARTS("1", "[" A ",4097,4097]"),
		PARTS("1", "[" A ",2,1]"), PARTS("1", "[" A ",2,4194305]"),
		PARTS("1", "[" A ",1,1],[" A ",1,1]"), /* only the last may be short */
		PARTS("4", "[" A ",1,9223372036854775807]"),
		"{\"cairn\":\"recipe\",\"level\":1,\"chunks\":[[" A ",1]]}",
		"{\"cairn\":\"recipe\",\"chunks\":[[" A ",1]],\"x\":1}",
		"{\"cairn\":\"recipe\"}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refuse(bad[i]);
}

static void test_too_many_rows(void **state)
{
	(void)state;
	struct bytes text = {0}, packed = {0};
	assert_int_equal(
		bytes_append_string(&text, "{\"cairn\":\"recipe\",\"chunks\":["), 0);
	for (int i = 0; i <= RECIPE_ROWS; i++)
		assert_int_equal(
			bytes_append_string(&text, i > 0 ? ",[" A ",1]" : "[" A ",1]"), 0);
	assert_int_equal(bytes_append_string(&text, "]}"), 0);
	assert_int_equal(recipe_decode(span_of_bytes(&text), &packed, NULL), ERR_CORRUPT);
	bytes_clear(&text);
	assert_int_equal(bytes_reserve(&text, PAGE_SIZE_MAX + 1), 0);
	memset(text.data, ' ', PAGE_SIZE_MAX + 1);
	text.size = PAGE_SIZE_MAX + 1;
	assert_int_equal(recipe_decode(span_of_bytes(&text), &packed, NULL), ERR_LIMIT);
	bytes_release(&text);
	bytes_release(&packed);
}

static void exercise(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct recipe r;
	struct recipe_hit hit;
	assert_non_null(copy);
	memcpy(copy, data, size);
	if (recipe_view(span_of(copy, size), &r) == 0) {
		for (uint32_t i = 0; i < r.count; i++)
			(void)recipe_at(&r, i, &hit);
		for (uint64_t offset = 0; offset < 200; offset += 10)
			(void)recipe_find(&r, offset, &hit);
		(void)recipe_find(&r, r.bytes - 1, &hit);
	}
	free(copy);
}

static void test_damage(void **state)
{
	(void)state;
	static const char text[] = CHUNKS("[" A ",100],[" A ",50],[" A ",7]");
	struct bytes packed = {0};
	struct recipe r;
	assert_int_equal(recipe_decode(span_of_string(text), &packed, NULL), 0);
	for (size_t i = 0; i < packed.size; i++) {
		assert_int_equal(recipe_view(span_of(packed.data, i), &r), ERR_CORRUPT);
		for (int bit = 0; bit < 8; bit++) {
			packed.data[i] ^= (uint8_t)(1 << bit);
			exercise(packed.data, packed.size);
			packed.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	bytes_clear(&packed);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		char copy[sizeof(text)];
		assert_int_equal(
			recipe_decode(span_of(text, i), &packed, NULL), ERR_CORRUPT);
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, text, sizeof(text));
			copy[i] ^= (char)(1 << bit);
			bytes_clear(&packed);
			if (recipe_decode(span_of(copy, sizeof(text) - 1), &packed, NULL) ==
				0)
				exercise(packed.data, packed.size);
		}
		bytes_clear(&packed);
	}
	bytes_release(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_find),
		cmocka_unit_test(test_build_refuses),
		cmocka_unit_test(test_emit_failure_is_passed_on),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_too_many_rows),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
