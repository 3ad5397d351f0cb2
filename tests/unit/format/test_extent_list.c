/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "format/extent_list.h"
#include "format/blob.h"
#include "format/json_text.h"

#define D1 "\"00000000000000000000000000000000000000000000000000000000000000d1\""
#define D2 "\"00000000000000000000000000000000000000000000000000000000000000d2\""
#define LEAF(runs) "{\"cairn\":\"extents\",\"runs\":[" runs "]}"
#define INNER(level, parts)                                                                \
	"{\"cairn\":\"extents\",\"level\":" level ",\"parts\":[" parts "]}"

static int decode(const char *text, struct bytes *packed, struct trouble *t)
{
	int rc;

	bytes_clear(packed);
	bytes_append(packed, "before", 6); /* it is appended */
	rc = extent_list_decode(span_of_string(text), packed, t);
	assert_memory_equal(packed->data, "before", 6);
	if (rc)
		assert_int_equal(packed->size, 6);
	return rc;
}

static void view(const struct bytes *packed, struct extent_list *out)
{
	struct span span = span_of_part(packed, 6, packed->size - 6);

	assert_int_equal(extent_list_view(span, out), 0);
}

static void test_leaf(void **state)
{
	struct bytes packed = {0};
	struct extent_list l;
	struct piece piece;

	(void)state;
	assert_int_equal(
		decode(LEAF("[10,5],[20,1],[9223372036854775806,1]"), &packed, NULL), 0);
	view(&packed, &l);
	assert_int_equal(l.level, 0);
	assert_int_equal(l.count, 3);
	assert_true(l.span.first == 10 && l.span.end == INT64_MAX);
	assert_true(l.span.runs == 3 && l.span.bytes == 7);
	assert_int_equal(extent_list_find(&l, 0), 0);
	assert_int_equal(extent_list_find(&l, 14), 0);
	assert_int_equal(extent_list_find(&l, 15), 1);
	assert_int_equal(extent_list_find(&l, INT64_MAX), 3);
	piece = extents_map(l.rows, l.count, INT64_MAX, 12);
	assert_true(!piece.hole && piece.size == 3 && piece.object_offset == 2);
	piece = extents_map(l.rows, l.count, INT64_MAX, 15);
	assert_true(piece.hole && piece.size == 5);
	piece = extents_map(l.rows, l.count, INT64_MAX, 20);
	assert_true(!piece.hole && piece.size == 1 && piece.object_offset == 5);
	bytes_release(&packed);
}

static void test_inner(void **state)
{
	struct bytes packed = {0};
	struct extent_list l, below = {.level = 1};
	struct extent_part part;

	(void)state;
	assert_int_equal(decode(INNER("2", "[" D1 ",10,100,3,50],[" D2 ",101,110,5,5]"),
				 &packed, NULL),
		0);
	view(&packed, &l);
	assert_true(l.level == 2 && l.count == 2);
	assert_true(l.span.first == 10 && l.span.end == 110);
	assert_true(l.span.runs == 8 && l.span.bytes == 55);
	assert_int_equal(extent_list_find(&l, 0), 0);
	assert_int_equal(extent_list_find(&l, 99), 0);
	assert_int_equal(extent_list_find(&l, 100), 1);
	assert_int_equal(extent_list_find(&l, 110), 2);
	assert_int_equal(extent_list_part(&l, 1, &part), 0);
	assert_true(part.span.first == 101 && part.span.end == 110);
	assert_true(part.span.runs == 5 && part.span.bytes == 5 && part.before == 50);
	assert_int_equal(part.digest.bytes[31], 0xd2);
	assert_int_equal(extent_list_part(&l, 2, &part), ERR_CORRUPT);
	/* what a part says of a list has to be so, in all of it */
	below.span = part.span;
	assert_true(extent_list_is_part(&l, &part, &below));
	below.level = 0;
	assert_false(extent_list_is_part(&l, &part, &below));
	below.level = 1;
	for (uint64_t *field = &below.span.first; field <= &below.span.bytes; field++) {
		++*field;
		assert_false(extent_list_is_part(&l, &part, &below));
		--*field;
	}
	bytes_release(&packed);
}

static void test_root(void **state)
{
	struct extent_list l = {.level = 1,
		.span = {.first = 5, .end = 20000, .runs = 5000, .bytes = 6000}};
	struct extents_ref ref = {.count = 5000, .size = 6000};

	(void)state;
	assert_true(extent_list_is_root(&l, &ref, 20000));
	assert_false(extent_list_is_root(&l, &ref, 19999));
	ref.count++;
	assert_false(extent_list_is_root(&l, &ref, 20000));
	ref.count--;
	ref.size++;
	assert_false(extent_list_is_root(&l, &ref, 20000));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"cairn\":\"extents\"}",
		"{\"cairn\":\"recipe\",\"runs\":[[0,1]]}", LEAF(""), LEAF("1"), LEAF("[]"),
		LEAF("[0]"), LEAF("[0,1,2]"), LEAF("[0,0]"), LEAF("[-1,5]"),
		LEAF("[0,1.5]"), LEAF("[\"0\",1]"),
		/* unsorted, overlapping, touching */
		LEAF("[5,1],[0,1]"), LEAF("[0,5],[4,5]"), LEAF("[0,5],[0,5]"),
		LEAF("[0,5],[5,5]"),
		/* beyond the end of any file */
		LEAF("[9223372036854775807,1]"), LEAF("[1,9223372036854775807]"),
		LEAF("[0,1],[9223372036854775807,9223372036854775807]"),
		LEAF("[0,9223372036854775808]"),
		"{\"cairn\":\"extents\",\"runs\":[[0,1]],\"x\":1}",
		"{\"cairn\":\"extents\",\"runs\":[[0,1]],\"level\":1}",
		"{\"cairn\":\"extents\",\"parts\":[[" D1 ",0,1,1,1]]}",
		INNER("0", "[" D1 ",0,1,1,1]"), INNER("3", "[" D1 ",0,1,1,1]"),
		INNER("1", ""), INNER("1", "[]"), INNER("1", "[0,1]"),
		INNER("1", "[\"d1\",0,1,1,1]"), INNER("1", "[" D1 ",0,1,1]"),
		INNER("1", "[" D1 ",0,1,1,1,1]"), INNER("1", "[" D1 ",1,1,1,1]"),
		INNER("1", "[" D1 ",2,1,1,1]"), INNER("1", "[" D1 ",0,1,0,1]"),
		INNER("1", "[" D1 ",0,1,0,0]"), INNER("1", "[" D1 ",0,5,1,6]"),
		/* more runs than bytes; no room for the holes between them */
		INNER("1", "[" D1 ",0,9,3,2]"), INNER("1", "[" D1 ",0,9,3,8]"),
		/* more than a list of the level below holds */
		INNER("1", "[" D1 ",0,99999,4097,4097]"),
		INNER("2", "[" D1 ",0,99999999999,16777217,16777217]"),
		INNER("1", "[" D1 ",0,9223372036854775808,1,1]"),
		/* overlapping, touching, unsorted parts */
		INNER("1", "[" D1 ",0,9,2,2],[" D2 ",8,20,2,2]"),
		INNER("1", "[" D1 ",0,9,2,2],[" D2 ",9,20,2,2]"),
		INNER("1", "[" D1 ",10,19,2,2],[" D2 ",0,9,2,2]")};
	struct bytes packed = {0};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct trouble t = {0};

		if (decode(bad[i], &packed, &t) != ERR_CORRUPT || !t.text[0])
			fail_msg("%s", bad[i]);
	}
	bytes_release(&packed);
}

/* `rows` runs of a byte, with holes of a byte. */
static void many(struct json_text *t, unsigned rows)
{
	json_text_clear(t);
	json_text_raw(t, "{\"cairn\":\"extents\",\"runs\":[");
	for (unsigned i = 0; i < rows; i++) {
		json_text_raw(t, i ? ",[" : "[");
		json_text_unsigned(t, 2 * i);
		json_text_raw(t, ",1]");
	}
	json_text_raw(t, "]}");
	assert_int_equal(bytes_append(&t->text, "", 1), 0);
}

static void test_caps(void **state)
{
	struct bytes packed = {0}, large = {0};
	struct json_text t = {{0}, false};
	struct extent_list l;

	(void)state;
	many(&t, EXTENT_LIST_ROWS);
	assert_int_equal(decode((const char *)t.text.data, &packed, NULL), 0);
	view(&packed, &l);
	assert_int_equal(l.span.runs, EXTENT_LIST_ROWS);
	many(&t, EXTENT_LIST_ROWS + 1);
	assert_int_equal(decode((const char *)t.text.data, &packed, NULL), ERR_CORRUPT);
	assert_int_equal(bytes_reserve(&large, PAGE_SIZE_MAX + 1), 0);
	memset(large.data, ' ', PAGE_SIZE_MAX + 1);
	large.size = PAGE_SIZE_MAX + 1;
	assert_int_equal(
		extent_list_decode(span_of_bytes(&large), &packed, NULL), ERR_LIMIT);
	bytes_release(&large);
	bytes_release(&t.text);
	bytes_release(&packed);
}

/* Each byte of a packed list rots: it is refused, or says something within its bounds. */
static void test_rot(void **state)
{
	static const char *const texts[] = {LEAF("[10,5],[20,1]"),
		INNER("1", "[" D1 ",10,100,3,50],[" D2 ",101,110,5,5]")};
	struct bytes packed = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		uint8_t *copy;

		assert_int_equal(decode(texts[i], &packed, NULL), 0);
		size = packed.size - 6;
		copy = malloc(size); /* so that a sanitizer sees the end */
		for (size_t at = 0; at < size; at++) {
			struct extent_part part;
			struct extent_list l;

			memcpy(copy, packed.data + 6, size);
			copy[at] ^= 0xff;
			if (extent_list_view(span_of(copy, size), &l))
				continue;
			assert_true(extent_list_find(&l, 50) <= l.count);
			for (uint32_t k = 0; k < l.count && l.level > 0; k++)
				(void)extent_list_part(&l, k, &part);
		}
		for (size_t cut = 0; cut < size; cut++) {
			struct extent_list l;

			assert_int_equal(
				extent_list_view(span_of(copy, cut), &l), ERR_CORRUPT);
		}
		free(copy);
	}
	bytes_release(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_inner),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_rot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
