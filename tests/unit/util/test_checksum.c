/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "util/checksum.h"

static uint64_t of(const char *s)
{
	return checksum_of(s, strlen(s));
}

static void test_known_values(void **state)
{
	(void)state;
	/* XXH64 with seed 0; the last is from the documentation of python-xxhash. */
	assert_true(of("") == UINT64_C(0xEF46DB3751D8E999));
	assert_true(of("a") == UINT64_C(0xD24EC4F1A98C6E5B));
	assert_true(of("abc") == UINT64_C(0x44BC2CF5AD770999));
	assert_true(of("Nobody inspects the spammish repetition") ==
		    UINT64_C(0xFBCEA83C8A378BF1));
}

static void test_every_bit_counts(void **state)
{
	uint8_t data[100];

	(void)state;
	for (size_t size = 1; size < sizeof(data); size++) {
		uint64_t sum;

		memset(data, 7, sizeof(data));
		sum = checksum_of(data, size);
		for (size_t bit = 0; bit < size * 8; bit++) {
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(checksum_of(data, size) != sum);
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(checksum_of(data, size - 1) != sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_every_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
