/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/chunker.h"
#include "unit/trees.h"

#define DATA_SIZE (24u << 20)
#define CUTS_MAX 1024

struct cuts {
	size_t at[CUTS_MAX];
	size_t count;
};

/* Feeds `data` in steps of `step` bytes. */
static void find_cuts(const uint8_t *data, size_t size, size_t step, struct cuts *out)
{
	static struct chunker c;
	size_t at = 0;

	chunker_init(&c);
	out->count = 0;
	while (at < size) {
		size_t end = at + step < size ? at + step : size;
		bool cut;
		size_t eaten = chunker_eat(&c, data + at, end - at, &cut);

		assert_true(eaten > 0 && eaten <= end - at);
		assert_true(cut || eaten == end - at);
		at += eaten;
		if (cut)
			out->at[out->count++] = at;
	}
}

static uint8_t *random_bytes(uint64_t seed, size_t size)
{
	uint8_t *data = malloc(size);

	assert_non_null(data);
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = trees_random(&seed);

		memcpy(data + i, &word, 8);
	}
	return data;
}

static void test_gear_is_as_described(void **state)
{
	static struct chunker c;

	(void)state;
	chunker_init(&c);
	/* printf 'cairn gear 200' | sha256sum | head -c 16 */
	assert_true(c.gear[200] == UINT64_C(0x88c0a248ca39dd65));
}

/* Written down once: the cuts are part of what makes two publishers agree. */
static void test_cuts_do_not_change(void **state)
{
	static const size_t expected[] = {
		683904, 1101490, 1554788, 1732621, 2419932, 2970499, 3606619};
	uint8_t *data = random_bytes(1, 4u << 20);
	struct cuts cuts;

	(void)state;
	find_cuts(data, 4u << 20, 4u << 20, &cuts);
	assert_int_equal(cuts.count, sizeof expected / sizeof expected[0]);
	for (size_t i = 0; i < cuts.count; i++)
		assert_int_equal(cuts.at[i], expected[i]);
	free(data);
}

static void test_sizes_are_within_bounds(void **state)
{
	uint8_t *data = random_bytes(2, DATA_SIZE);
	struct cuts cuts;
	size_t last = 0;

	(void)state;
	find_cuts(data, DATA_SIZE, DATA_SIZE, &cuts);
	for (size_t i = 0; i < cuts.count; i++) {
		assert_true(cuts.at[i] - last >= CHUNK_MIN);
		assert_true(cuts.at[i] - last <= CHUNK_MAX);
		last = cuts.at[i];
	}
	assert_true(cuts.count > 0);
	assert_in_range(last / cuts.count, CHUNK_MEAN / 2, CHUNK_MEAN * 3 / 2);
	free(data);
}

static void test_steps_do_not_matter(void **state)
{
	static const size_t steps[] = {1021, 4096, 128u << 10, (256u << 10) + 1};
	size_t size = 6u << 20;
	uint8_t *data = random_bytes(3, size);
	struct cuts whole, part;

	(void)state;
	find_cuts(data, size, size, &whole);
	assert_true(whole.count > 3);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		find_cuts(data, size, steps[i], &part);
		assert_int_equal(part.count, whole.count);
		assert_memory_equal(part.at, whole.at, whole.count * sizeof whole.at[0]);
	}
	free(data);
}

/* Zeros have no natural cut, or have one at the minimum: both within the bounds. */
static void test_zeros(void **state)
{
	uint8_t *data = calloc(1, 5u << 20);
	struct cuts cuts;

	(void)state;
	find_cuts(data, 5u << 20, 5u << 20, &cuts);
	assert_true(cuts.count >= 2);
	assert_in_range(cuts.at[0], CHUNK_MIN, CHUNK_MAX);
	free(data);
}

/* After an insertion the cuts fall into step again. */
static void test_an_insertion_is_local(void **state)
{
	size_t size = 12u << 20, inserted = 777;
	uint8_t *data = random_bytes(4, size), *edited = malloc(size + inserted);
	struct cuts before, after;
	size_t same = 0;

	(void)state;
	memcpy(edited, data, 3u << 20);
	memset(edited + (3u << 20), 'x', inserted);
	memcpy(edited + (3u << 20) + inserted, data + (3u << 20), size - (3u << 20));
	find_cuts(data, size, size, &before);
	find_cuts(edited, size + inserted, size, &after);
	for (size_t i = 0; i < before.count; i++)
		for (size_t k = 0; k < after.count; k++)
			same += before.at[i] == after.at[k] ||
				before.at[i] + inserted == after.at[k];
	assert_true(same + 4 >= before.count);
	free(data);
	free(edited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gear_is_as_described),
		cmocka_unit_test(test_cuts_do_not_change),
		cmocka_unit_test(test_sizes_are_within_bounds),
		cmocka_unit_test(test_steps_do_not_matter),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_an_insertion_is_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
