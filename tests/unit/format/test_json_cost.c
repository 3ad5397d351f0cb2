/* SPDX-License-Identifier: MIT */
/* Nothing that is decoded takes more memory than it may, whoever wrote it: jansson's
 * allocations are counted. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "format/blob.h"
#include "format/extent_list.h"
#include "format/json.h"
#include "format/json_cost.h"
#include "format/manifest.h"
#include "format/page_json.h"
#include "format/recipe.h"
#include "format/tag.h"

/* What jansson has, in bytes of glibc's heap, and the most that it had. */
static struct {
	uint64_t now, peak;
	unsigned long count;
} taken;

#define HEAD 16 /* before what is given out: its size */

/* With the chunk's own head, in steps of 16, at least 32. */
static uint64_t heap_size(size_t size)
{
	uint64_t chunk = (size + 8 + 15) / 16 * 16;

	return chunk < 32 ? 32 : chunk;
}

static void *take(size_t size)
{
	uint8_t *p = malloc(size + HEAD);

	assert_non_null(p);
	memcpy(p, &size, sizeof size);
	taken.count++;
	taken.now += heap_size(size);
	if (taken.now > taken.peak)
		taken.peak = taken.now;
	return p + HEAD;
}

static void give_back(void *p)
{
	size_t size;

	if (!p)
		return;
	memcpy(&size, (uint8_t *)p - HEAD, sizeof size);
	taken.now -= heap_size(size);
	free((uint8_t *)p - HEAD);
}

static int set_up(void **state)
{
	json_t *value;

	(void)state;
	/* the first one sets functions of its own */
	assert_int_equal(json_parse(span_of_string("{}"), &value, NULL), 0);
	json_decref(value);
	json_set_alloc_funcs(take, give_back);
	return 0;
}

static void count_anew(void)
{
	assert_int_equal(taken.now, 0); /* nothing was lost */
	taken.peak = 0;
	taken.count = 0;
}

/* `head`, `count` times `piece` with a comma between, where "#" is a number of its own, and
 * `tail`. */
static void fill(struct bytes *out, const char *head, const char *piece, size_t count,
	const char *tail)
{
	const char *mark = strchr(piece, '#');
	char number[24];

	bytes_clear(out);
	assert_int_equal(bytes_append_string(out, head), 0);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			bytes_append(out, ",", 1);
		bytes_append(out, piece, mark ? (size_t)(mark - piece) : strlen(piece));
		if (!mark)
			continue;
		snprintf(number, sizeof number, "%zu", i);
		bytes_append_string(out, number);
		assert_int_equal(bytes_append_string(out, mark + 1), 0);
	}
	assert_int_equal(bytes_append_string(out, tail), 0);
}

struct shape {
	const char *head, *piece, *tail;
};
static const struct shape shapes[] = {
	{"{\"a\":[", "{}", "]}"}, {"{\"a\":[", "[]", "]}"}, {"{\"a\":[", "[[]]", "]}"},
	{"{\"a\":[", "[1,2,3,4,5,6,7,8,9]", "]}"}, {"{\"a\":[", "1", "]}"},
	{"{\"a\":[", "null", "]}"}, {"{\"a\":[", "\"\"", "]}"},
	{"{\"a\":[", "\"a somewhat longer string\"", "]}"},
	{"{\"a\":[", "{\"base64\":\"AA==\"}", "]}"},
	{"{\"a\":[",
		"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9}",
		"]}"},
	{"{", "\"#\":0", "}"}, {"{", "\"a somewhat longer name #\":[]", "}"},
	{"{\"a\":[", "1 ", ""}, /* is not JSON at its end */
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static uint64_t cost(struct span text)
{
	const struct json_cost most = {.depth = 1000, .memory = UINT64_MAX - 1};

	return json_cost_of(text, &most).memory;
}

/* What is counted before is no less than what is taken then, whatever it is and however
 * much. */
static void test_counts_no_less_than_is_taken(void **state)
{
	static const size_t counts[] = {0, 1, 7, 9, 100, 1000, 1025, 40000};
	struct bytes text = {0};

	(void)state;
	for (size_t i = 0; i < SHAPES; i++)
		for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
			const struct shape *s = &shapes[i];
			json_t *value = NULL;

			fill(&text, s->head, s->piece, counts[k], s->tail);
			count_anew();
			if (!json_parse_large(span_of_bytes(&text), &value, NULL))
				json_decref(value);
			if (taken.peak > cost(span_of_bytes(&text)) + 1024)
				fail_msg("%s: %llu bytes, not %llu", s->piece,
					(unsigned long long)taken.peak,
					(unsigned long long)cost(span_of_bytes(&text)));
		}
	count_anew();
	bytes_release(&text);
}

/* As many as there is room for in `size` bytes of text. */
static void fill_up(struct bytes *out, const struct shape *s, size_t size)
{
	size_t room = size - strlen(s->head) - strlen(s->tail);

	fill(out, s->head, s->piece, room / (strlen(s->piece) + 8), s->tail);
	assert_true(out->size <= size);
}

static void test_what_is_over_a_cap_is_not_parsed(void **state)
{
	struct bytes text = {0};
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i < SHAPES; i++) {
		struct trouble t = {0};
		json_t *value = NULL;
		int rc;

		fill_up(&text, &shapes[i], PAGE_SIZE_MAX);
		count_anew();
		rc = json_parse(span_of_bytes(&text), &value, &t);
		if (cost(span_of_bytes(&text)) > JSON_MEMORY_CAP) {
			assert_int_equal(rc, ERR_CORRUPT);
			assert_int_equal(taken.count, 0);
			assert_non_null(strstr(t.text, "would take over 4 MiB"));
			refused++;
		}
		if (!rc)
			json_decref(value);
		assert_true(taken.peak <= JSON_MEMORY_CAP + 1024);
		count_anew();
		if (!json_parse_large(span_of_bytes(&text), &value, NULL))
			json_decref(value);
		assert_true(taken.peak <= JSON_LARGE_MEMORY_CAP + 1024);
	}
	assert_true(refused > 8);
	count_anew();
	bytes_release(&text);
}

typedef int (*decode_fn)(struct span text);

static int decode_page(struct span text)
{
	struct bytes packed = {0};
	struct trouble t;
	int rc = page_json_decode(text, &packed, &t);

	bytes_release(&packed);
	return rc;
}

static int decode_recipe(struct span text)
{
	struct bytes packed = {0};
	struct trouble t;
	int rc = recipe_decode(text, &packed, &t);

	bytes_release(&packed);
	return rc;
}

static int decode_extents(struct span text)
{
	struct bytes packed = {0};
	struct trouble t;
	int rc = extent_list_decode(text, &packed, &t);

	bytes_release(&packed);
	return rc;
}

static int decode_manifest(struct span text)
{
	struct manifest *m;
	struct trouble t;
	int rc = manifest_decode(text, &m, &t);

	if (!rc)
		manifest_free(m);
	return rc;
}

static int verify_manifest(struct span text)
{
	struct public_key key = {{0}};

	return manifest_verify(text, &key);
}

static int decode_tag(struct span text)
{
	struct tag *tag;
	struct trouble t;
	int rc = tag_decode(text, &tag, &t);

	if (!rc)
		tag_free(tag);
	return rc;
}

/* The largest blobs and documents that there may be, full of nothing. */
static void test_all_decoders_are_bounded(void **state)
{
	static const struct {
		decode_fn decode;
		size_t size;
		uint64_t memory;
	} decoders[] = {
		{decode_page, PAGE_SIZE_MAX, JSON_LARGE_MEMORY_CAP},
		{decode_recipe, PAGE_SIZE_MAX, JSON_MEMORY_CAP},
		{decode_extents, PAGE_SIZE_MAX, JSON_MEMORY_CAP},
		{decode_manifest, DOCUMENT_SIZE_MAX, JSON_MEMORY_CAP},
		{verify_manifest, DOCUMENT_SIZE_MAX, JSON_MEMORY_CAP},
		{decode_tag, DOCUMENT_SIZE_MAX, JSON_MEMORY_CAP},
	};
	struct bytes text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
		for (size_t k = 0; k < SHAPES; k++) {
			fill_up(&text, &shapes[k], decoders[i].size);
			count_anew();
			assert_int_not_equal(decoders[i].decode(span_of_bytes(&text)), 0);
			assert_true(taken.peak <= decoders[i].memory + 1024);
		}
	count_anew();
	bytes_release(&text);
}

/* The densest page that was ever published: over 1 MiB of attributes of a byte each. */
static void test_what_is_published_is_within(void **state)
{
	const struct shape dense = {"{\"a\":[", "[\"user.a\",{\"base64\":\"AA==\"}]", "]}"};
	const struct shape runs = {"{\"a\":[", "[1048576,4096]", "]}"};
	struct bytes text = {0};
	json_t *value;

	(void)state;
	fill(&text, dense.head, dense.piece, (1024 + 64) * 1024 / (strlen(dense.piece) + 1),
		dense.tail);
	assert_int_equal(json_parse_large(span_of_bytes(&text), &value, NULL), 0);
	json_decref(value);
	fill(&text, runs.head, runs.piece, (1024 + 128) * 1024 / (strlen(runs.piece) + 1),
		runs.tail);
	assert_int_equal(json_parse_large(span_of_bytes(&text), &value, NULL), 0);
	json_decref(value);
	bytes_release(&text);
}

static void test_counts_tokens(void **state)
{
	const struct json_cost most = {.depth = 16, .memory = 1000000};
	static const struct {
		const char *text;
		unsigned depth;
		uint64_t memory;
	} texts[] = {
		{"", 0, 0},
		{" \t\r\n,:", 0, 0},
		{"{}", 1, JSON_COST_OBJECT},
		{"[ [],[ ]]", 2, 3 * JSON_COST_ARRAY},
		{"-1.5e3,true , null", 0, 3 * JSON_COST_OTHER},
		{"\"a\\\"]\"", 0, JSON_COST_STRING + 6},
		{"{\"ab\":12}", 1,
			JSON_COST_OBJECT + JSON_COST_STRING + 4 + JSON_COST_OTHER},
		{"]}]}[", 1, JSON_COST_ARRAY},
		{"\"cut off", 0, JSON_COST_STRING + 8},
		{"\"cut off\\", 0, JSON_COST_STRING + 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct json_cost c = json_cost_of(span_of_string(texts[i].text), &most);

		assert_int_equal(c.depth, texts[i].depth);
		assert_int_equal(c.memory, texts[i].memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_tokens),
		cmocka_unit_test(test_counts_no_less_than_is_taken),
		cmocka_unit_test(test_what_is_over_a_cap_is_not_parsed),
		cmocka_unit_test(test_all_decoders_are_bounded),
		cmocka_unit_test(test_what_is_published_is_within),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
