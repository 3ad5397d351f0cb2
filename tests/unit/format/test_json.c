/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/json.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static json_t *parse(const char *text)
{
	json_t *value;

	assert_int_equal(json_parse(span_of_string(text), &value, NULL), 0);
	return value;
}

/* Sanitizers see a read past the end only in memory of its own size. */
static int parse_copy(const char *text, size_t size, json_t **out, struct trouble *t)
{
	char *copy = malloc(size + !size);
	int rc;

	memcpy(copy, text, size);
	rc = json_parse(span_of(copy, size), out, t);
	free(copy);
	return rc;
}

static void test_an_object_is_parsed(void **state)
{
	json_t *value = parse(" {\"a\": [1, {\"b\": \"c\"}], \"d\": null}\n");

	(void)state;
	assert_int_equal(json_object_size(value), 2);
	json_decref(value);
}

static void test_what_is_not_one_strict_object_is_corrupt(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"[]",
		"1",
		"\"a\"",
		"null",
		"{",
		"}",
		"{}{}",
		"{} x",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":1e999}",
		"{\"a\":99999999999999999999}",
		"{\"a\":NaN}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"\\u0000\":1}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"b\\",
		"{\"a\":\"b",
		"\xef\xbb\xbf{}",
		"/**/{}",
	};
	json_t *value = NULL;
	struct trouble t;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		t.code = 0;
		assert_int_equal(
			parse_copy(texts[i], strlen(texts[i]), &value, &t), ERR_CORRUPT);
		assert_int_equal(t.code, ERR_CORRUPT);
		assert_null(value);
	}
	assert_int_equal(parse_copy("{\"a\":\0 1}", 9, &value, NULL), ERR_CORRUPT);
	assert_int_equal(json_parse(span_of(NULL, 0), &value, NULL), ERR_CORRUPT);
}

static void test_every_truncation_is_corrupt(void **state)
{
	static const char text[] = "{\"a\":[1,-2,{\"b\\\"[\":\"\\u00e4\\\\\"}],\"c\":true}";
	json_t *value;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_int_equal(parse_copy(text, size, &value, NULL), ERR_CORRUPT);
	assert_int_equal(parse_copy(text, sizeof(text) - 1, &value, NULL), 0);
	json_decref(value);
}

/* "{"a":" and `depth` - 1 arrays. */
static int parse_nested(size_t depth)
{
	size_t arrays = depth - 1, size = 5 + 2 * arrays + 1;
	char *text = malloc(size);
	json_t *value;
	int rc;

	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', arrays);
	memset(text + 5 + arrays, ']', arrays);
	text[size - 1] = '}';
	rc = json_parse(span_of(text, size), &value, NULL);
	if (!rc)
		json_decref(value);
	free(text);
	return rc;
}

static void test_depth_has_a_cap(void **state)
{
	(void)state;
	assert_int_equal(parse_nested(JSON_DEPTH_CAP), 0);
	assert_int_equal(parse_nested(JSON_DEPTH_CAP + 1), ERR_CORRUPT);
	assert_int_equal(parse_nested(1000000), ERR_CORRUPT);
	/* Brackets in strings are none, and brothers are not deep. */
	json_decref(parse("{\"[[[[[[[[[[[[[[[[[[[[\":\"\\\"{{{{{{{{{{{{{{{{{{{{\\\\\"}"));
	json_decref(
		parse("{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}"));
}

static void test_canonical_form(void **state)
{
	json_t *value = parse(
		"{ \"b\" : [ 1, -2, true, null ],\n\"a\": {\"z\":\"/\\u00e4\\n\","
		"\"y\":9007199254740993}, \"B\": \"\"}");
	struct bytes out = {0};

	(void)state;
	assert_int_equal(bytes_append_string(&out, ">"), 0);
	assert_int_equal(json_canonical(value, &out), 0);
	assert_true(span_equal(span_of_bytes(&out),
		span_of_string(">{\"B\":\"\",\"a\":{\"y\":9007199254740993,"
			       "\"z\":\"/\xc3\xa4\\n\"},\"b\":[1,-2,true,null]}")));
	bytes_release(&out);
	json_decref(value);
}

static void test_canonical_of_canonical_is_the_same(void **state)
{
	json_t *value = parse(
		"{\"b\":[{\"d\":1,\"c\":\"\\\\ \\\" \\t \\u0001\"}],\"a\":{}}");
	struct bytes once = {0}, twice = {0};
	json_t *again;

	(void)state;
	assert_int_equal(json_canonical(value, &once), 0);
	assert_int_equal(json_parse(span_of_bytes(&once), &again, NULL), 0);
	assert_int_equal(json_canonical(again, &twice), 0);
	assert_true(span_equal(span_of_bytes(&once), span_of_bytes(&twice)));
	bytes_release(&once);
	bytes_release(&twice);
	json_decref(value);
	json_decref(again);
}

static void test_unsigned_numbers(void **state)
{
	json_t *o = parse("{\"n\":7,\"minus\":-1,\"real\":7.0,\"text\":\"7\",\"true\":true,"
			  "\"max\":9223372036854775807}");
	uint64_t out = 42;

	(void)state;
	assert_int_equal(json_get_u64(json_object_get(o, "n"), 7, &out), 0);
	assert_int_equal(out, 7);
	assert_int_equal(json_get_u64(json_object_get(o, "max"), UINT64_MAX, &out), 0);
	assert_true(out == INT64_MAX);
	assert_int_equal(json_get_u64(json_object_get(o, "n"), 6, &out), ERR_CORRUPT);
	assert_int_equal(
		json_get_u64(json_object_get(o, "minus"), UINT64_MAX, &out), ERR_CORRUPT);
	assert_int_equal(json_get_u64(json_object_get(o, "real"), 9, &out), ERR_CORRUPT);
	assert_int_equal(json_get_u64(json_object_get(o, "text"), 9, &out), ERR_CORRUPT);
	assert_int_equal(json_get_u64(json_object_get(o, "true"), 9, &out), ERR_CORRUPT);
	assert_int_equal(json_get_u64(json_object_get(o, "none"), 9, &out), ERR_CORRUPT);
	assert_true(out == INT64_MAX);
	json_decref(o);
}

static void test_signed_numbers(void **state)
{
	json_t *o = parse("{\"min\":-9223372036854775808,\"real\":1e0}");
	int64_t out = 42;

	(void)state;
	assert_int_equal(json_get_i64(json_object_get(o, "real"), &out), ERR_CORRUPT);
	assert_int_equal(json_get_i64(NULL, &out), ERR_CORRUPT);
	assert_true(out == 42);
	assert_int_equal(json_get_i64(json_object_get(o, "min"), &out), 0);
	assert_true(out == INT64_MIN);
	json_decref(o);
}

static void test_strings(void **state)
{
	json_t *o = parse("{\"s\":\"\\u00e4\",\"n\":1,\"empty\":\"\"}");
	struct span out = span_of("kept", 4);

	(void)state;
	assert_int_equal(json_get_string(json_object_get(o, "s"), 1, &out), ERR_CORRUPT);
	assert_int_equal(json_get_string(json_object_get(o, "n"), 9, &out), ERR_CORRUPT);
	assert_int_equal(json_get_string(NULL, 9, &out), ERR_CORRUPT);
	assert_int_equal(out.size, 4);
	assert_int_equal(json_get_string(json_object_get(o, "s"), 2, &out), 0);
	assert_true(span_equal(out, span_of_string("\xc3\xa4")));
	assert_int_equal(json_get_string(json_object_get(o, "empty"), 0, &out), 0);
	assert_int_equal(out.size, 0);
	json_decref(o);
}

static void test_digests(void **state)
{
	json_t *o = parse(
		"{\"d\":\"" HEX "\",\"short\":\"ba78\",\"long\":\"" HEX "0\",\"n\":1}");
	struct digest d = {{7}}, abc = digest_of("abc", 3);
	json_t *made;

	(void)state;
	assert_int_equal(json_get_digest(json_object_get(o, "short"), &d), ERR_CORRUPT);
	assert_int_equal(json_get_digest(json_object_get(o, "long"), &d), ERR_CORRUPT);
	assert_int_equal(json_get_digest(json_object_get(o, "n"), &d), ERR_CORRUPT);
	assert_int_equal(json_get_digest(NULL, &d), ERR_CORRUPT);
	assert_int_equal(d.bytes[0], 7);
	assert_int_equal(json_get_digest(json_object_get(o, "d"), &d), 0);
	assert_true(digest_equal(&d, &abc));
	made = json_digest(&d);
	assert_string_equal(json_string_value(made), HEX);
	json_decref(made);
	json_decref(o);
}

static void test_only_known_members(void **state)
{
	static const char *const names[] = {"a", "b", NULL};
	static const char *const none[] = {NULL};
	json_t *both = parse("{\"b\":1,\"a\":null}"), *one = parse("{\"a\":1}");
	json_t *other = parse("{\"a\":1,\"c\":1}"), *empty = parse("{}"),
	       *array = json_array();

	(void)state;
	assert_int_equal(json_only_members(both, names), 0);
	assert_int_equal(json_only_members(one, names), 0);
	assert_int_equal(json_only_members(empty, names), 0);
	assert_int_equal(json_only_members(empty, none), 0);
	assert_int_equal(json_only_members(other, names), ERR_CORRUPT);
	assert_int_equal(json_only_members(one, none), ERR_CORRUPT);
	assert_int_equal(json_only_members(array, names), ERR_CORRUPT);
	assert_int_equal(json_only_members(NULL, names), ERR_CORRUPT);
	json_decref(both);
	json_decref(one);
	json_decref(other);
	json_decref(empty);
	json_decref(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_object_is_parsed),
		cmocka_unit_test(test_what_is_not_one_strict_object_is_corrupt),
		cmocka_unit_test(test_every_truncation_is_corrupt),
		cmocka_unit_test(test_depth_has_a_cap),
		cmocka_unit_test(test_canonical_form),
		cmocka_unit_test(test_canonical_of_canonical_is_the_same),
		cmocka_unit_test(test_unsigned_numbers),
		cmocka_unit_test(test_signed_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_only_known_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
