/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/json_byte_string.h"
#include "util/error.h"

#define S(literal) span_of(literal, sizeof(literal) - 1)

static void check_json(struct span s, bool text)
{
	json_t *value = json_byte_string(s);
	struct bytes out = {0}, scratch = {0};
	struct span view;
	assert_non_null(value);
	assert_true(json_byte_string_is_text(s) == text);
	assert_true((bool)json_is_string(value) == text);
	assert_int_equal(bytes_append(&out, "x", 1), 0);
	assert_int_equal(json_byte_string_decode(value, s.size, &out), 0);
	assert_int_equal(out.size, s.size + 1);
	assert_true(span_equal(span_of(out.data + 1, s.size), s));
	assert_int_equal(json_byte_string_view(value, s.size, &scratch, &view), 0);
	assert_true(span_equal(view, s));
	if (s.size > 0) {
		assert_int_equal(
			json_byte_string_decode(value, s.size - 1, &out), ERR_CORRUPT);
		assert_int_equal(out.size, s.size + 1);
		assert_int_equal(json_byte_string_view(value, s.size - 1, &scratch, &view),
			ERR_CORRUPT);
	}
	json_decref(value);
	bytes_release(&out);
	bytes_release(&scratch);
}

static void test_json_byte_string(void **state)
{
	(void)state;
	check_json(S(""), true);
	check_json((struct span){0}, true);
	check_json(S("plain \"and\" \\ \n\x01\x7f"), true);
	check_json(S("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
		true);
	check_json(S("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true);
	check_json(S("a\0b"), false);
	check_json(S("\x80"), false);
	check_json(S("\xc1\xbf"), false);
	check_json(S("\xc3"), false);
	check_json(S("\xe0\x9f\xbf"), false);
	check_json(S("\xed\xa0\x80"), false);
	check_json(S("\xf0\x8f\xbf\xbf"), false);
	check_json(S("\xf4\x90\x80\x80"), false);
	check_json(S("\xf5\x80\x80\x80"), false);
	check_json(S("ok\xe2\x82"), false);
}

/* What we call UTF-8 is what jansson calls UTF-8. */
static void test_utf8_agrees(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
		0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4,
		0xf5, 0xff};
	srand(11);
	for (int round = 0; round < 50000; round++) {
		uint8_t text[4];
		for (int i = 0; i < 4; i++)
			text[i] = bytes[(size_t)rand() % sizeof(bytes)];
		json_t *value = json_stringn((const char *)text, 4);
		assert_true(json_byte_string_is_text(span_of(text, 4)) == (value != NULL));
		json_decref(value);
	}
}

static void test_json_one_spelling(void **state)
{
	(void)state;
	static const char *const bad[] = {"1", "null", "[]", "{}", "true",
		"{\"base64\":\"YWJj\"}", /* "abc" is text */
		"{\"base64\":\"\"}", "{\"base64\":1}", "{\"base64\":\"/w\"}",
		"{\"base64\":\"/w==\",\"x\":1}", "{\"base32\":\"/w==\"}",
		"{\"base64\":\"/x==\"}", /* stray bits */
		"{\"base64\":\"/w==\\n\"}"};
	struct bytes out = {0};
	struct span view;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		json_t *value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		assert_non_null(value);
		assert_int_equal(json_byte_string_decode(value, 100, &out), ERR_CORRUPT);
		assert_int_equal(out.size, 0);
		struct bytes scratch = {0};
		assert_int_equal(
			json_byte_string_view(value, 100, &scratch, &view), ERR_CORRUPT);
		bytes_release(&scratch);
		json_decref(value);
	}
	json_t *nul = json_loads("\"a\\u0000b\"", JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(nul);
	assert_int_equal(json_byte_string_decode(nul, 100, &out), ERR_CORRUPT);
	json_decref(nul);
	bytes_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_byte_string),
		cmocka_unit_test(test_utf8_agrees),
		cmocka_unit_test(test_json_one_spelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
