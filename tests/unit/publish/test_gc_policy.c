/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/digest_flags.h"
#include "publish/gc_policy.h"
#include "util/clock.h"
#include "util/error.h"

/* Newest first. A Sunday, then a Monday; the turn of a year within a week of ISO 8601. */
static const char *const times[] = {
	"2026-11-29T12:00:00Z", /* 12, a Sunday */
	"2026-11-29T11:59:59Z", /* 11 */
	"2026-11-29T11:00:00Z", /* 10 */
	"2026-11-28T23:00:00Z", /* 9 */
	"2026-11-23T00:00:00Z", /* 8, a Monday */
	"2026-11-22T23:59:59Z", /* 7, a Sunday */
	"2026-10-31T00:00:00Z", /* 6 */
	"2026-10-01T00:00:00Z", /* 5 */
	"2026-01-01T00:00:00Z", /* 4, of week 1 of 2026 */
	"2025-12-31T23:59:59Z", /* 3, the same week */
	"2025-01-05T00:00:00Z", /* 2 */
	"2021-02-28T00:00:00Z", /* 1 */
};
#define COUNT (sizeof times / sizeof *times)

/* The numbers that are kept, "12 9". */
static const char *kept(const struct gc_policy *p)
{
	static char text[128];
	struct gc_revision r[COUNT];
	size_t at = 0;

	for (size_t i = 0; i < COUNT; i++) {
		r[i] = (struct gc_revision){.number = COUNT - i};
		assert_int_equal(clock_parse(times[i], &r[i].created), 0);
	}
	gc_policy_apply(p, r, COUNT);
	text[0] = '\0';
	for (size_t i = 0; i < COUNT; i++)
		if (r[i].keep)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%d",
				at ? " " : "", (int)r[i].number);
	return text;
}

static const char *kept_by(enum gc_rule rule, uint64_t count)
{
	struct gc_policy p = {.keep = {0}};

	p.keep[rule] = count;
	return kept(&p);
}

static void test_rules(void **state)
{
	(void)state;
	assert_string_equal(kept_by(GC_LAST, 3), "12 11 10");
	assert_string_equal(kept_by(GC_LAST, 100), "12 11 10 9 8 7 6 5 4 3 2 1");
	assert_string_equal(kept_by(GC_HOURLY, 3), "12 11 9");
	assert_string_equal(kept_by(GC_DAILY, 3), "12 9 8");
	assert_string_equal(kept_by(GC_WEEKLY, 3), "12 7 6");
	assert_string_equal(kept_by(GC_WEEKLY, 5), "12 7 6 5 4");
	assert_string_equal(kept_by(GC_MONTHLY, 2), "12 6");
	assert_string_equal(kept_by(GC_YEARLY, 2), "12 3");
	assert_string_equal(kept_by(GC_YEARLY, GC_UNLIMITED), "12 3 1");
	/* As restic has it: as long as a rule wants more, the oldest stays, too. */
	assert_string_equal(kept_by(GC_MONTHLY, 50), "12 6 4 3 2 1");
	assert_string_equal(kept_by(GC_LAST, 1), "12");
}

static void test_within(void **state)
{
	struct gc_policy p = {.within = {.hours = 1}};

	(void)state;
	assert_string_equal(kept(&p), "12 11"); /* not what is just as old */
	p.within = (struct gc_span){.days = 1};
	assert_string_equal(kept(&p), "12 11 10 9");
	p.within = (struct gc_span){.months = 1};
	assert_string_equal(kept(&p), "12 11 10 9 8 7 6");
	p.within = (struct gc_span){.years = 1, .months = 11};
	assert_string_equal(kept(&p), "12 11 10 9 8 7 6 5 4 3 2");
	p.within = (struct gc_span){.years = 9000};
	assert_string_equal(kept(&p), "12 11 10 9 8 7 6 5 4 3 2 1");
}

static void test_rules_add_up(void **state)
{
	struct gc_policy p = {.within = {.hours = 1}};

	(void)state;
	p.keep[GC_YEARLY] = 1;
	p.keep[GC_MONTHLY] = 2;
	assert_string_equal(kept(&p), "12 11 6");
	p = (struct gc_policy){.keep = {0}};
	assert_true(gc_policy_is_empty(&p));
	assert_string_equal(kept(&p), "12 11 10 9 8 7 6 5 4 3 2 1");
	gc_policy_apply(&p, NULL, 0);
}

static void test_spans(void **state)
{
	static const char *const wrong[] = {"", "d", "5", "5x", "5d3y", "1d1d", "-1d",
		" 1d", "1d ", "10001d", "99999999999999999999d", "1.5d"};
	struct gc_span s;

	(void)state;
	assert_int_equal(gc_span_parse("2y5m7d3h", &s), 0);
	assert_true(s.years == 2 && s.months == 5 && s.days == 7 && s.hours == 3);
	assert_int_equal(gc_span_parse("30d", &s), 0);
	assert_true(s.years == 0 && s.months == 0 && s.days == 30 && s.hours == 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(gc_span_parse(wrong[i], &s), ERR_INVALID);
}

static struct digest number(uint32_t i)
{
	return digest_of(&i, sizeof i);
}

/* Range after range, every digest is met exactly once, with its flags. */
static void test_flags_range_after_range(void **state)
{
	struct digest_flags *f = digest_flags_new(20000);
	uint64_t first = 0, last = UINT64_MAX;
	unsigned met = 0, before, passes = 0;

	(void)state;
	do {
		digest_flags_begin(f, first, UINT64_MAX);
		for (uint32_t i = 0; i < 10000; i++) {
			struct digest d = number(i);

			assert_int_equal(digest_flags_add(f, &d, 1, &before), 0);
			assert_int_equal(digest_flags_add(f, &d, 2 << i % 2, &before), 0);
		}
		last = digest_flags_last(f);
		for (uint32_t i = 0; i < 20000; i++) {
			struct digest d = number(i);
			unsigned flags = digest_flags_of(f, &d);
			uint64_t key = digest_flags_key(&d);
			bool in = key >= first && key <= last;

			assert_int_equal(digest_flags_covers(f, &d), in);
			assert_int_equal(flags, in && i < 10000 ? 1u | 2u << i % 2 : 0);
			met += flags != 0;
		}
		first = last + 1;
		passes++;
	} while (last != UINT64_MAX);
	assert_int_equal(met, 10000);
	assert_in_range(passes, 6, 40);
	digest_flags_free(f);
}

static void test_flags_of_others(void **state)
{
	struct digest_flags *f = digest_flags_new(1 << 20), *to = digest_flags_new(1 << 20);
	struct digest zero = {{0}}, d;
	unsigned before;

	(void)state;
	assert_int_equal(digest_flags_of(f, &zero), 0);
	assert_int_equal(digest_flags_add(f, &zero, 4, &before), 0);
	assert_int_equal(before, 0);
	assert_int_equal(digest_flags_add(f, &zero, 1, &before), 0);
	assert_int_equal(before, 4);
	assert_int_equal(digest_flags_of(f, &zero), 5);
	for (uint32_t i = 0; i < 1000; i++) {
		d = number(i);
		assert_int_equal(digest_flags_add(f, &d, 2, &before), 0);
	}
	assert_int_equal(digest_flags_count(f), 1001);
	digest_flags_begin(to, 0, UINT64_MAX / 2);
	assert_int_equal(digest_flags_add_all(to, f, 8), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		d = number(i);
		assert_int_equal(digest_flags_of(to, &d), d.bytes[0] < 128 ? 8 : 0);
	}
	digest_flags_free(f);
	digest_flags_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_rules_add_up),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_flags_range_after_range),
		cmocka_unit_test(test_flags_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
