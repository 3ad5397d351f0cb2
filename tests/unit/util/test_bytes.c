/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

static void test_append_grows_and_keeps_what_is_there(void **state)
{
	struct bytes b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint8_t byte = (uint8_t)i;

		assert_int_equal(bytes_append(&b, &byte, 1), 0);
	}
	assert_int_equal(b.size, 1000);
	assert_true(b.capacity >= b.size);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	bytes_release(&b);
	assert_null(b.data);
	assert_int_equal(b.size, 0);
	assert_int_equal(b.capacity, 0);
}

static void test_empty_appends_need_no_memory(void **state)
{
	struct bytes b = {0};

	(void)state;
	assert_int_equal(bytes_append(&b, NULL, 0), 0);
	assert_int_equal(bytes_append_string(&b, ""), 0);
	assert_int_equal(bytes_reserve(&b, 0), 0);
	assert_null(b.data);
	bytes_release(&b);
}

static void test_clear_keeps_the_memory(void **state)
{
	struct bytes b;
	uint8_t *data;

	(void)state;
	bytes_init(&b);
	assert_int_equal(bytes_append_string(&b, "stones"), 0);
	data = b.data;
	bytes_clear(&b);
	assert_int_equal(b.size, 0);
	assert_int_equal(bytes_append_string(&b, "path"), 0);
	assert_ptr_equal(b.data, data);
	assert_memory_equal(b.data, "path", 4);
	bytes_release(&b);
}

static void test_trim_gives_back(void **state)
{
	struct bytes b = {0};

	(void)state;
	bytes_trim(&b);
	assert_null(b.data);
	assert_int_equal(bytes_reserve(&b, 1 << 20), 0);
	assert_int_equal(bytes_append(&b, "abc", 3), 0);
	bytes_trim(&b);
	assert_int_equal(b.capacity, 3);
	assert_memory_equal(b.data, "abc", 3);
	assert_int_equal(bytes_append(&b, "def", 3), 0);
	assert_memory_equal(b.data, "abcdef", 6);
	bytes_clear(&b);
	bytes_trim(&b);
	assert_null(b.data);
	assert_int_equal(b.capacity, 0);
}

static void test_reserve_refuses_sizes_that_overflow(void **state)
{
	struct bytes b = {0};

	(void)state;
	assert_int_equal(bytes_append_string(&b, "x"), 0);
	assert_int_equal(bytes_reserve(&b, SIZE_MAX), ERR_NO_MEMORY);
	assert_int_equal(bytes_reserve(&b, PTRDIFF_MAX), ERR_NO_MEMORY);
	assert_int_equal(b.size, 1);
	assert_memory_equal(b.data, "x", 1);
	assert_int_equal(bytes_reserve(&b, 5000), 0);
	assert_true(b.capacity >= 5001);
	bytes_release(&b);
}

static void test_spans_compare_bytewise(void **state)
{
	struct span a = span_of_string("ab"), longer = span_of_string("abc");
	struct span high = span_of("\xff", 1), none = span_of_string(NULL);

	(void)state;
	assert_true(span_compare(a, longer) < 0);
	assert_true(span_compare(longer, a) > 0);
	assert_true(span_compare(high, longer) > 0);
	assert_true(span_compare(none, a) < 0);
	assert_int_equal(span_compare(none, span_of_string("")), 0);
	assert_int_equal(span_compare(a, span_of("ab", 2)), 0);
	assert_true(span_equal(a, span_of("abX", 2)));
	assert_false(span_equal(a, longer));
	assert_false(span_equal(a, span_of("aX", 2)));
	assert_true(span_equal(none, span_of_string("")));
}

static void test_spans_borrow(void **state)
{
	struct bytes b = {0};
	struct span s;
	char *copy;

	(void)state;
	assert_int_equal(bytes_append(&b, "a\0b", 3), 0);
	s = span_of_bytes(&b);
	assert_ptr_equal(s.data, b.data);
	assert_int_equal(s.size, 3);
	copy = span_to_string(s);
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = span_to_string(span_of(NULL, 0));
	assert_string_equal(copy, "");
	free(copy);
	assert_null(span_to_string(span_of("", SIZE_MAX)));
	bytes_release(&b);
}

static void part_of_empty_bytes_is_empty(void **state)
{
	struct bytes b = {0};
	struct span part = span_of_part(&b, 0, 0);

	(void)state;
	assert_int_equal(part.size, 0);
	assert_int_equal(bytes_append(&b, "abcde", 5), 0);
	assert_true(span_equal(span_of_part(&b, 1, 3), span_of_string("bcd")));
	assert_int_equal(span_of_part(&b, 5, 0).size, 0);
	bytes_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_grows_and_keeps_what_is_there),
		cmocka_unit_test(test_empty_appends_need_no_memory),
		cmocka_unit_test(test_clear_keeps_the_memory),
		cmocka_unit_test(test_trim_gives_back),
		cmocka_unit_test(test_reserve_refuses_sizes_that_overflow),
		cmocka_unit_test(test_spans_compare_bytewise),
		cmocka_unit_test(test_spans_borrow),
		cmocka_unit_test(part_of_empty_bytes_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
