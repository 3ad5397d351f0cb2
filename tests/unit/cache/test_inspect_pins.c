/* SPDX-License-Identifier: MIT */
#include "cache/meta/pins.h"
#include "unit/await.h"
#include "unit/cache_samples.h"

struct listing {
	char text[512];
};

static int list(void *ctx, const char *pin, uint64_t objects)
{
	struct listing *l = ctx;
	size_t at = strlen(l->text);

	snprintf(l->text + at, sizeof l->text - at, "%s=%u ", pin, (unsigned)objects);
	return 0;
}

static void assert_pins(struct cache *c, const char *expected)
{
	struct listing l = {""};

	assert_int_equal(cache_each_pin(c, list, &l), 0);
	assert_string_equal(l.text, expected);
}

static void test_pins_by_name(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct object_id d[5];
	uint64_t n = 0;

	for (unsigned i = 0; i < 5; i++)
		d[i] = sample_id(i);
	assert_pins(c, "");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(cache_pin(c, "ab", &d[i]), 0);
	assert_int_equal(cache_pin(c, "a", &d[0]), 0);
	assert_int_equal(cache_pin(c, "a", &d[0]), 0);
	assert_int_equal(cache_pin(c, "a\x01z", &d[1]), 0);
	assert_pins(c, "a=1 a\x01z=1 ab=5 ");
	assert_int_equal(cache_unpin(c, "a", &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(cache_unpin(c, "a", &n), ERR_ABSENT);
	assert_pins(c, "a\x01z=1 ab=5 ");
	assert_int_equal(cache_unpin(c, "ab", &n), 0);
	assert_int_equal(n, 5);
	assert_pins(c, "a\x01z=1 ");
	cache_close(c);
}

static void test_names_are_bounded(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct object_id d = sample_id(1);
	char name[PIN_NAME_MAX + 2];
	uint64_t n;

	memset(name, 'n', sizeof name);
	name[PIN_NAME_MAX + 1] = 0;
	assert_int_equal(cache_pin(c, name, &d), ERR_INVALID);
	assert_int_equal(cache_pin(c, "", &d), ERR_INVALID);
	name[PIN_NAME_MAX] = 0;
	assert_int_equal(cache_pin(c, name, &d), 0);
	assert_int_equal(cache_unpin(c, name, &n), 0);
	assert_int_equal(n, 1);
	cache_close(c);
}

static void test_many(void **state)
{
	struct cache *c = sample_open(*state, 0);
	uint64_t n;

	for (unsigned i = 0; i < 2500; i++) {
		struct object_id d = sample_id(i);

		assert_int_equal(cache_pin(c, "many", &d), 0);
	}
	assert_pins(c, "many=2500 ");
	assert_int_equal(cache_unpin(c, "many", &n), 0);
	assert_int_equal(n, 2500);
	cache_close(c);
}

/* Two pins on one object: it is free when both are gone. */
static void test_pinned_twice(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample before = sample_make(1, 2), after = sample_make(2, 2);
	uint64_t n, freed;

	/* Pinned before it is there, and after. */
	assert_int_equal(cache_pin(c, "one", &before.id), 0);
	sample_put_all(c, &before);
	sample_put_all(c, &after);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(cache_pin(c, "one", &after.id), 0);
	assert_int_equal(cache_pin(c, "two", &after.id), 0);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(freed, 0);
	assert_int_equal(cache_unpin(c, "one", &n), 0);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(freed, before.ref.size);
	assert_int_equal(cache_unpin(c, "two", &n), 0);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(freed, after.ref.size);
	cache_close(c);
	sample_release(&before);
	sample_release(&after);
}

/* A quota full of pinned objects: others are not kept, and nothing is thrown out. */
static void test_pinned_to_the_quota(void **state)
{
	struct cache *c = sample_open(*state, UINT64_C(10) << 20);
	struct sample pinned[8], other = sample_make(50, 16);
	unsigned refused = 0;

	for (unsigned i = 0; i < 8; i++) {
		pinned[i] = sample_make(40 + i, 16);
		assert_int_equal(cache_pin(c, "p", &pinned[i].id), 0);
		for (uint32_t k = 0; k < 16; k++)
			refused += sample_put(c, &pinned[i], k) == ERR_NO_SPACE;
	}
	assert_true(refused > 0);
	assert_int_equal(sample_put(c, &other, 0), ERR_NO_SPACE);
	assert_int_equal(sample_read(c, &pinned[0]), 0);
	assert_int_equal(sample_read(c, &pinned[3]), 0);
	cache_close(c);
	for (unsigned i = 0; i < 8; i++)
		sample_release(&pinned[i]);
	sample_release(&other);
}

static void test_garbage_pins(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct object_id d = sample_id(1);
	uint64_t n;

	assert_int_equal(cache_pin(c, "good", &d), 0);
	assert_int_equal(cache_flush(c), 0);
	for (size_t size = 1; size < 45; size++) {
		uint8_t junk[45];

		memset(junk, size % 2 ? 'g' : 0, sizeof junk);
		assert_int_equal(sample_put_raw(c->metadata, TABLE_PINS,
					 span_of(junk, size), span_of("", 0)),
			0);
	}
	assert_pins(c, "good=1 ");
	assert_int_equal(
		sample_flip_raw(c->metadata, TABLE_PINNED, span_of_object(&d), 9), 0);
	assert_int_equal(cache_unpin(c, "good", &n), 0);
	assert_int_equal(n, 1);
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_pins_by_name),
		SAMPLE_TEST(test_names_are_bounded),
		SAMPLE_TEST(test_many),
		SAMPLE_TEST(test_pinned_twice),
		SAMPLE_TEST(test_pinned_to_the_quota),
		SAMPLE_TEST(test_garbage_pins),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
