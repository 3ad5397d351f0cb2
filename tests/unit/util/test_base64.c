/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "util/base64.h"
#include "util/error.h"

/* RFC 4648, section 10. */
static const struct {
	const char *plain, *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void test_known_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes text = {0}, plain = {0};

		assert_int_equal(base64_encode(span_of_string(vectors[i].plain), &text), 0);
		assert_true(
			span_equal(span_of_bytes(&text), span_of_string(vectors[i].text)));
		assert_int_equal(base64_decode(span_of_bytes(&text), &plain), 0);
		assert_true(span_equal(
			span_of_bytes(&plain), span_of_string(vectors[i].plain)));
		bytes_release(&text);
		bytes_release(&plain);
	}
}

static void test_every_byte_in_every_place(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 4; size++) {
		for (unsigned value = 0; value < 256; value++) {
			struct bytes text = {0}, again = {0};
			uint8_t plain[4];

			memset(plain, (int)value, size);
			plain[0] = 0xa5;
			assert_int_equal(base64_encode(span_of(plain, size), &text), 0);
			assert_int_equal(text.size, BASE64_SIZE(size));
			assert_int_equal(base64_decode(span_of_bytes(&text), &again), 0);
			assert_true(
				span_equal(span_of_bytes(&again), span_of(plain, size)));
			bytes_release(&text);
			bytes_release(&again);
		}
	}
}

static void test_appends(void **state)
{
	struct bytes out = {0};

	(void)state;
	assert_int_equal(bytes_append_string(&out, "x:"), 0);
	assert_int_equal(base64_encode(span_of_string("foo"), &out), 0);
	assert_true(span_equal(span_of_bytes(&out), span_of_string("x:Zm9v")));
	assert_int_equal(base64_decode(span_of_string("Zg=="), &out), 0);
	assert_true(span_equal(span_of_bytes(&out), span_of_string("x:Zm9vf")));
	bytes_release(&out);
}

static void test_any_other_spelling_is_corrupt(void **state)
{
	static const char *const texts[] = {"Z", "Zg", "Zg=", "=",
		"==", "===", "====", "Z===", "Zh==", /* left-over bits */
		"Zm9=", "Zg==Zg==", "Zm=v", "Zm9v\n", "Zm9v ", " Zm9", "Zm-v", "Zm_v",
		"Z\xc3\xa4v", "Zm9v=", "=m9v"};
	struct bytes out = {0};

	(void)state;
	assert_int_equal(bytes_append_string(&out, "kept"), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(
			base64_decode(span_of_string(texts[i]), &out), ERR_CORRUPT);
		assert_true(span_equal(span_of_bytes(&out), span_of_string("kept")));
	}
	bytes_release(&out);
}

/* What decodes at all must be what encoding gives. */
static void test_one_spelling_for_each_byte_string(void **state)
{
	struct bytes plain = {0}, again = {0};
	char text[] = "Zm8=";

	(void)state;
	for (size_t at = 0; at < 4; at++) {
		for (unsigned value = 0; value < 256; value++) {
			char before = text[at];

			text[at] = (char)value;
			bytes_clear(&plain);
			bytes_clear(&again);
			if (!base64_decode(span_of(text, 4), &plain)) {
				assert_int_equal(
					base64_encode(span_of_bytes(&plain), &again), 0);
				assert_true(span_equal(
					span_of_bytes(&again), span_of(text, 4)));
			}
			text[at] = before;
		}
	}
	bytes_release(&plain);
	bytes_release(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_spellings),
		cmocka_unit_test(test_every_byte_in_every_place),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_any_other_spelling_is_corrupt),
		cmocka_unit_test(test_one_spelling_for_each_byte_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
