/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/error.h"

static void assert_spelt(int64_t seconds, const char *expected)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t again;

	clock_format(seconds, text);
	assert_string_equal(text, expected);
	assert_int_equal(clock_parse(text, &again), 0);
	assert_true(again == seconds);
}

static void test_known_times(void **state)
{
	(void)state;
	assert_spelt(0, "1970-01-01T00:00:00Z");
	assert_spelt(-1, "1969-12-31T23:59:59Z");
	assert_spelt(951782400, "2000-02-29T00:00:00Z");
	assert_spelt(2147483648, "2038-01-19T03:14:08Z");
	assert_spelt(INT64_C(4107542399), "2100-02-28T23:59:59Z");
	assert_spelt(INT64_C(253402300799), "9999-12-31T23:59:59Z");
	assert_spelt(INT64_C(-62167219200), "0000-01-01T00:00:00Z");
}

/* A step that is prime to days, so that all hours, months and leap rules come by. */
static void test_round_trip_over_the_centuries(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t again;

	(void)state;
	for (int64_t s = INT64_C(-62167219200); s <= INT64_C(253402300799); s += 5000011) {
		clock_format(s, text);
		assert_int_equal(clock_parse(text, &again), 0);
		assert_true(again == s);
	}
}

static void test_what_four_digits_cannot_spell_is_clamped(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void test_any_other_spelling_is_corrupt(void **state)
{
	static const char *const texts[] = {
		"",
		"2026-11-23",
		"2026-11-23T06:14:01",
		"2026-11-23T06:14:01Z ",
		" 2026-11-23T06:14:01",
		"2026-11-23 06:14:01Z",
		"2026-11-23t06:14:01Z",
		"2026-11-23T06:14:01z",
		"2026-11-23T06:14:01+",
		"2026/11/23T06:14:01Z",
		"2026-00-23T06:14:01Z",
		"2026-13-23T06:14:01Z",
		"2026-11-00T06:14:01Z",
		"2026-11-31T06:14:01Z",
		"2026-02-29T06:14:01Z",
		"1900-02-29T06:14:01Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T06:60:01Z",
		"2026-11-23T06:14:60Z",
		"2026-11-23T06:14:-1Z",
		"2026-11-23T+6:14:01Z",
		"-026-11-23T06:14:01Z",
		"2O26-11-23T06:14:01Z",
		"9999-12-99T06:14:01Z",
	};
	int64_t seconds = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(clock_parse(texts[i], &seconds), ERR_CORRUPT);
	assert_true(seconds == 42);
}

static void test_clocks_run(void **state)
{
	int64_t before = clock_monotonic(), after;
	struct timespec nap = {.tv_nsec = 2000000};

	(void)state;
	nanosleep(&nap, NULL);
	after = clock_monotonic();
	assert_true(after - before >= 2 * NS_PER_MS);
	assert_true(after - before < 60 * NS_PER_SECOND);
	/* After 2020, before 2200: seconds were not taken for nanoseconds. */
	assert_true(clock_realtime() / NS_PER_SECOND > 1577836800);
	assert_true(clock_realtime() / NS_PER_SECOND < INT64_C(7258118400));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_times),
		cmocka_unit_test(test_round_trip_over_the_centuries),
		cmocka_unit_test(test_what_four_digits_cannot_spell_is_clamped),
		cmocka_unit_test(test_any_other_spelling_is_corrupt),
		cmocka_unit_test(test_clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
