/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/duration.h"
#include "cli/publish_values.h"
#include "cli/time_words.h"

static void is_time(const char *text, int64_t seconds, uint32_t nanoseconds)
{
	uint32_t ns;
	int64_t s;

	if (time_words_parse(text, &s, &ns))
		fail_msg("'%s' is refused", text);
	assert_int_equal(s, seconds);
	assert_int_equal(ns, nanoseconds);
}

static void test_times(void **state)
{
	static const char *const wrong[] = {"", "2026", "2026-13-01", "2026-11-31",
		"2026-11-27x", "2026-11-27T", "2026-11-27T06", "2026-11-27T06:14:01Zx",
		"2026-11-27T25:00:00Z", "2026-11-27T06:14:01+1", "2026-11-27T06:14:01+0100",
		"@", "@x", "@1x", "@9999999999999", "@1.", "tomorrow",
		"2026-11-27T06:14:01+ 1: 2"};
	uint32_t ns;
	int64_t s;

	(void)state;
	is_time("1970-01-01", 0, 0);
	is_time("2026-11-27", 1795737600, 0);
	is_time("2026-11-27T06:14:01Z", 1795760041, 0);
	is_time("2026-11-27 06:14:01", 1795760041, 0);
	is_time("2026-11-27T06:14", 1795760040, 0);
	is_time("2026-11-27T06:14+01:00", 1795756440, 0);
	is_time("2026-11-27T06:14:01.25-00:30", 1795761841, 250000000);
	is_time("@1795760041", 1795760041, 0);
	is_time("@1.000000001", 1, 1);
	is_time("@-1.5", -2, 500000000);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (time_words_parse(wrong[i], &s, &ns) != ERR_INVALID)
			fail_msg("'%s' is taken", wrong[i]);
}

static void test_durations(void **state)
{
	static const char *const wrong[] = {"", "5", "5x", "d", "1h1d", "1m", "-1d",
		"1d 2h", "99999999999999999999s", "1001y"};
	uint64_t s;

	(void)state;
	assert_int_equal(duration_parse("90s", &s), 0);
	assert_int_equal(s, 90);
	assert_int_equal(duration_parse("1d12h", &s), 0);
	assert_int_equal(s, 129600);
	assert_int_equal(duration_parse("1y2w15min", &s), 0);
	assert_int_equal(s, 365 * 86400 + 14 * 86400 + 900);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (duration_parse(wrong[i], &s) != ERR_INVALID)
			fail_msg("'%s' is taken", wrong[i]);
}

static void test_owners(void **state)
{
	struct overrides o = {0};
	struct trouble t = {0};

	(void)state;
	assert_int_equal(publish_values_owner("root", &o, &t), 0);
	assert_true(o.has_uid);
	assert_int_equal(o.uid, 0);
	assert_int_equal(publish_values_owner("1234", &o, &t), 0);
	assert_int_equal(o.uid, 1234);
	assert_int_equal(publish_values_owner("+17", &o, &t), 0);
	assert_int_equal(o.uid, 17);
	assert_int_equal(publish_values_group("nowhere:99", &o, &t), 0);
	assert_true(o.has_gid);
	assert_int_equal(o.gid, 99);
	assert_int_equal(publish_values_owner("no such user", &o, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "--owner"));
	assert_int_equal(publish_values_group("4294967295", &o, &t), ERR_INVALID);
	assert_int_equal(publish_values_group("x:", &o, &t), ERR_INVALID);
	assert_int_equal(o.uid, 17);
	assert_int_equal(o.gid, 99);
}

static void test_mtime(void **state)
{
	struct overrides o = {0};
	struct trouble t = {0};

	(void)state;
	assert_int_equal(publish_values_mtime("@12", &o, &t), 0);
	assert_true(o.has_mtime);
	assert_int_equal(o.mtime, 12);
	assert_int_equal(publish_values_mtime("/", &o, &t), 0);
	assert_int_not_equal(o.mtime, 12);
	assert_int_equal(publish_values_mtime("./no such file", &o, &t), ERR_ABSENT);
	assert_int_equal(publish_values_mtime("yesterday", &o, &t), ERR_INVALID);
}

static void test_expires(void **state)
{
	struct trouble t = {0};
	int64_t at = 0;

	(void)state;
	assert_int_equal(publish_values_expires("1d", 1000, &at, &t), 0);
	assert_int_equal(at, 87400);
	assert_int_equal(publish_values_expires("2027-01-31", 1000, &at, &t), 0);
	assert_int_equal(at, 1801353600);
	assert_int_equal(publish_values_expires("@999", 1000, &at, &t), ERR_INVALID);
	assert_int_equal(publish_values_expires("0s", 1000, &at, &t), ERR_INVALID);
	assert_int_equal(publish_values_expires("@999999999999", 1, &at, &t), ERR_INVALID);
	assert_int_equal(publish_values_expires("soon", 1000, &at, &t), ERR_INVALID);
	assert_int_equal(at, 1801353600);
}

static void test_epoch(void **state)
{
	struct overrides o = {0}, fixed = {.has_mtime = true, .mtime = 5};
	struct trouble t = {0};
	int64_t created = -1;

	(void)state;
	assert_int_equal(publish_values_epoch("1700000000", &o, &created, &t), 0);
	assert_int_equal(created, 1700000000);
	assert_true(o.has_mtime && o.clamp);
	assert_int_equal(o.mtime, 1700000000);
	/* what was asked for is not clamped */
	assert_int_equal(publish_values_epoch("0", &fixed, &created, &t), 0);
	assert_int_equal(created, 0);
	assert_false(fixed.clamp);
	assert_int_equal(fixed.mtime, 5);
	assert_int_equal(publish_values_epoch("1.5", &o, &created, &t), ERR_INVALID);
	assert_int_equal(publish_values_epoch("-1", &o, &created, &t), ERR_INVALID);
	assert_int_equal(publish_values_epoch(" 1", &o, &created, &t), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_mtime),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
