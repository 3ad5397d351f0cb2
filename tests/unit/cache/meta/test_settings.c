/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/settings.h"
#include "cache/meta/space.h"
#include "unit/meta_samples.h"

static int enter(struct books *b, struct settings *s)
{
	return settings_enter(b->metadata, DEADLINE_NONE, s);
}

static struct limits_record limits(struct books *b)
{
	struct space s;

	assert_int_equal(space_look(b->metadata, 0, &s), 0);
	return s.limits;
}

static void put_layout(struct books *b, uint32_t layout, uint32_t order)
{
	struct layout_record r = {layout, order};

	books_put(b->metadata, TABLE_SETTINGS, span_of_string(SETTING_LAYOUT),
		span_of(&r, sizeof r));
}

static void test_a_new_cache(void **state)
{
	struct books *b = *state;
	struct settings s = {.set_quota = true,
		.set_floor = true,
		.quota = 1000,
		.floor = 7,
		.epoch.boot = 1};
	struct settings again = {.quota = 5, .epoch.boot = 1};

	assert_int_equal(enter(b, &s), 0);
	assert_true(s.clean);
	assert_false(s.newer);
	assert_true(s.epoch.generation > 0);
	assert_int_equal(limits(b).quota, 1000);
	assert_int_equal(limits(b).floor, 7);
	/* Who does not set them leaves them. */
	assert_int_equal(enter(b, &again), 0);
	assert_int_equal(limits(b).quota, 1000);
	assert_true(again.epoch.generation == s.epoch.generation);
	again.set_quota = again.set_floor = true;
	assert_int_equal(enter(b, &again), 0);
	assert_int_equal(limits(b).quota, 5);
	assert_int_equal(limits(b).floor, 0);
}

static void test_another_boot(void **state)
{
	struct books *b = *state;
	struct settings s = {.epoch.boot = 1, .alone = true},
			t = {.epoch.boot = 2, .alone = true};

	assert_int_equal(enter(b, &s), 0);
	books_add(b->metadata, 1, 1, 1000);
	assert_int_equal(enter(b, &t), 0);
	assert_false(t.clean);
	assert_true(t.epoch.generation > s.epoch.generation);
}

static void test_a_newer_layout(void **state)
{
	struct books *b = *state;
	struct settings s = {
		.set_quota = true, .set_floor = true, .quota = 1000, .epoch.boot = 1};

	put_layout(b, CACHE_LAYOUT + 1, LAYOUT_ORDER);
	assert_int_equal(enter(b, &s), ERR_UNSUPPORTED);
	assert_true(s.newer);
	/* It is as it was. */
	assert_int_equal(limits(b).quota, 0);
	assert_true(s.epoch.generation == 0);
}

/* What was kept goes; the limits and what was accepted stay. Not under the feet of those
 * who use it. */
static void test_an_older_layout(void **state)
{
	struct books *b = *state;
	struct settings s = {.set_quota = true,
				.set_floor = true,
				.quota = 1000,
				.epoch.boot = 1},
			t, u;
	const struct digest name = sample_digest(1);

	assert_int_equal(enter(b, &s), 0);
	books_add(b->metadata, 1, 3, 1000);
	books_pin(b->metadata, "pin", 1);
	books_put(b->metadata, TABLE_DATASETS, span_of_digest(&name), span_of("kept", 4));
	put_layout(b, CACHE_LAYOUT - 1, LAYOUT_ORDER);
	t = (struct settings){.epoch.boot = 1};
	assert_int_equal(enter(b, &t), ERR_BUSY);
	assert_true(t.older);
	assert_true(books_has_record(b->metadata, 1));
	t = (struct settings){.epoch.boot = 1, .alone = true};
	assert_int_equal(enter(b, &t), 0);
	assert_true(t.older);
	assert_false(t.clean);
	assert_false(books_has_record(b->metadata, 1));
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 0);
	assert_int_equal(books_count(b->metadata, TABLE_USE), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PINS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_DATASETS), 1);
	assert_int_equal(books_totals(b->metadata).resident, 0);
	assert_int_equal(limits(b).quota, 1000);
	/* Once. */
	u = (struct settings){.epoch.boot = 1};
	assert_int_equal(enter(b, &u), 0);
	assert_false(u.older);
}

static void test_no_layout_of_ours(void **state)
{
	struct books *b = *state;
	struct settings s = {
		.set_quota = true, .set_floor = true, .quota = 1000, .epoch.boot = 1};

	put_layout(b, 0, LAYOUT_ORDER);
	assert_int_equal(enter(b, &s), ERR_CORRUPT);
	assert_false(s.older);
	/* A machine of the other byte order wrote it: its numbers are no numbers. */
	put_layout(b, CACHE_LAYOUT << 24, UINT32_C(0x04030201));
	assert_int_equal(enter(b, &s), ERR_CORRUPT);
	assert_false(s.newer);
	books_put(b->metadata, TABLE_SETTINGS, span_of_string(SETTING_LAYOUT),
		span_of("odd", 3));
	assert_int_equal(enter(b, &s), ERR_CORRUPT);
	put_layout(b, CACHE_LAYOUT, LAYOUT_ORDER);
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_LAYOUT), 8),
		0);
	assert_int_equal(enter(b, &s), ERR_CORRUPT);
	assert_int_equal(limits(b).quota, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_a_new_cache),
		BOOKS_TEST(test_another_boot),
		BOOKS_TEST(test_a_newer_layout),
		BOOKS_TEST(test_an_older_layout),
		BOOKS_TEST(test_no_layout_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
