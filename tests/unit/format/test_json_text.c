/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "format/json_text.h"
#include "format/json_byte_string.h"

static void check_text(struct json_text *w, const char *want)
{
	assert_false(w->failed);
	assert_int_equal(w->text.size, strlen(want));
	assert_memory_equal(w->text.data, want, strlen(want));
	json_text_clear(w);
}

static void test_numbers(void **state)
{
	(void)state;
	struct json_text w = {0};
	json_text_unsigned(&w, 0);
	check_text(&w, "0");
	json_text_unsigned(&w, UINT64_MAX);
	check_text(&w, "18446744073709551615");
	json_text_signed(&w, 0);
	check_text(&w, "0");
	json_text_signed(&w, -1);
	check_text(&w, "-1");
	json_text_signed(&w, INT64_MIN);
	check_text(&w, "-9223372036854775808");
	json_text_signed(&w, INT64_MAX);
	check_text(&w, "9223372036854775807");
	bytes_release(&w.text);
}

static void test_digest(void **state)
{
	(void)state;
	struct json_text w = {0};
	struct digest d = digest_of("", 0);
	json_text_digest(&w, &d);
	check_text(
		&w, "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
	bytes_release(&w.text);
}

/* One byte string has one spelling: jansson's, compact. */
static void check_as_jansson(struct span s)
{
	struct json_text w = {0};
	json_t *value = json_byte_string(s);
	char *want = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_non_null(want);
	json_text_byte_string(&w, s);
	check_text(&w, want);
	free(want);
	json_decref(value);
	bytes_release(&w.text);
}

static void test_byte_strings(void **state)
{
	(void)state;
	check_as_jansson((struct span){0});
	check_as_jansson(span_of_string("plain/with/slashes"));
	check_as_jansson(span_of_string("\xc3\xa4 \xf0\x9f\x8d\x8e"));
	check_as_jansson(span_of_string("\xff\xfe"));
	check_as_jansson(span_of("a\0b", 3));
	for (int c = 1; c < 256; c++) {
		uint8_t text[] = {'x', (uint8_t)c, (uint8_t)c, 'y'};
		check_as_jansson(span_of(text, 4));
		check_as_jansson(span_of(text + 1, 1));
	}
}

static void test_join(void **state)
{
	(void)state;
	struct json_text a = {0}, b = {0};
	json_text_raw(&a, "[");
	json_text_raw(&b, "1]");
	json_text_join(&a, &b);
	check_text(&a, "[1]");
	b.failed = true;
	json_text_join(&a, &b);
	assert_true(a.failed);
	json_text_clear(&a);
	assert_false(a.failed);
	bytes_release(&a.text);
	bytes_release(&b.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_byte_strings),
		cmocka_unit_test(test_join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
