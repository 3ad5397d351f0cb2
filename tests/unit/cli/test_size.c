/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/size.h"
#include "util/error.h"

static void test_parses_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0}, {"1000", 1000}, {"1k", 1024}, {"1K", 1024}, {"10B", 10},
		{"64M", 64 << 20}, {"64MiB", 64 << 20}, {"64MB", 64 << 20},
		{"1.5G", UINT64_C(3) << 29}, {"2T", UINT64_C(2) << 40},
		{"1P", UINT64_C(1) << 50}, {"0.5k", 512},
		{"9000000000000000000", UINT64_C(9000000000000000000)}};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(size_parse(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void test_refuses_other_texts(void **state)
{
	static const char *const bad[] = {"", " 1", "-1", "+1", "x", "1x", "1kk", "1Mi B",
		"1iB", "k", "1k1", "0x10", "1e3", "1.2.3", "9300000000000000000", "9000P",
		"inf", "nan", "1 G", ".5"};
	uint64_t bytes = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (size_parse(bad[i], &bytes) != ERR_INVALID)
			fail_msg("'%s' is a size?", bad[i]);
	assert_int_equal(bytes, 7);
}

static void test_parses_numbers(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_int_equal(number_parse("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse("010", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(number_parse("18446744073709551615", UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	n = 7;
	assert_int_equal(number_parse("11", 10, &n), ERR_INVALID);
	assert_int_equal(number_parse("18446744073709551616", UINT64_MAX, &n), ERR_INVALID);
	assert_int_equal(number_parse("", 10, &n), ERR_INVALID);
	assert_int_equal(number_parse("-1", 10, &n), ERR_INVALID);
	assert_int_equal(number_parse(" 1", 10, &n), ERR_INVALID);
	assert_int_equal(number_parse("1 ", 10, &n), ERR_INVALID);
	assert_int_equal(number_parse("0x1", 10, &n), ERR_INVALID);
	assert_int_equal(n, 7);
}

static void test_writes_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} good[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"},
		{102348, "99.9 KiB"}, {102399, "100 KiB"}, {1023 << 10, "1023 KiB"},
		{(1 << 20) - 1, "1.0 MiB"}, {UINT64_C(1) << 40, "1.0 TiB"},
		{UINT64_MAX, "16384 PiB"}};
	char text[SIZE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_ptr_equal(size_text(good[i].bytes, text), text);
		assert_string_equal(text, good[i].text);
	}
}

/* What is written can be read, and is the same within what is shown. */
static void test_reads_what_it_writes(void **state)
{
	char text[SIZE_TEXT], *space;
	uint64_t back;

	(void)state;
	for (uint64_t bytes = 1; bytes < UINT64_C(1) << 60; bytes = bytes * 3 + 1) {
		size_text(bytes, text);
		space = strchr(text, ' ');
		memmove(space, space + 1, strlen(space));
		assert_int_equal(size_parse(text, &back), 0);
		assert_true(
			back >= bytes - bytes / 19 - 1 && back <= bytes + bytes / 19 + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses_sizes),
		cmocka_unit_test(test_refuses_other_texts),
		cmocka_unit_test(test_parses_numbers),
		cmocka_unit_test(test_writes_sizes),
		cmocka_unit_test(test_reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
