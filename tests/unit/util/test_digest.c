/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "util/digest.h"
#include "util/error.h"

#define HEX_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX_TWO_BLOCKS "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"

static void assert_hex(struct digest d, const char *expected)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&d, hex);
	assert_string_equal(hex, expected);
}

/* FIPS 180-4 examples. */
static void test_known_digests(void **state)
{
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	(void)state;
	assert_hex(digest_of("", 0), HEX_EMPTY);
	assert_hex(digest_of(NULL, 0), HEX_EMPTY);
	assert_hex(digest_of("abc", 3), HEX_ABC);
	assert_hex(digest_of(two, strlen(two)), HEX_TWO_BLOCKS);
}

static void test_hasher_takes_pieces_and_starts_afresh(void **state)
{
	struct hasher *h = hasher_new();

	(void)state;
	assert_non_null(h);
	assert_hex(hasher_finish(h), HEX_EMPTY);
	hasher_update(h, "a", 1);
	hasher_update(h, NULL, 0);
	hasher_update(h, "bc", 2);
	assert_hex(hasher_finish(h), HEX_ABC);
	assert_hex(hasher_finish(h), HEX_EMPTY);
	hasher_free(h);
	hasher_free(NULL);
}

static void test_hex_round_trip(void **state)
{
	struct digest d = digest_of("abc", 3), again = {{0}};

	(void)state;
	assert_int_equal(digest_from_hex(span_of_string(HEX_ABC), &again), 0);
	assert_true(digest_equal(&d, &again));
}

static void test_hex_of_any_other_length_is_corrupt(void **state)
{
	struct digest d = {{7}};

	(void)state;
	for (size_t size = 0; size < 64; size++)
		assert_int_equal(digest_from_hex(span_of(HEX_ABC, size), &d), ERR_CORRUPT);
	assert_int_equal(digest_from_hex(span_of(HEX_ABC, 65), &d), ERR_CORRUPT);
	assert_int_equal(digest_from_hex(span_of_string(NULL), &d), ERR_CORRUPT);
	assert_int_equal(d.bytes[0], 7);
}

static void test_hex_takes_lower_case_digits_only(void **state)
{
	static const char bad[] = "ABCDEFGg/:`@ \n\xff";
	struct digest d = {{7}};

	(void)state;
	for (size_t at = 0; at < 64; at++) {
		for (size_t i = 0; i < sizeof(bad); i++) {
			char hex[] = HEX_ABC;

			hex[at] = bad[i];
			assert_int_equal(
				digest_from_hex(span_of(hex, 64), &d), ERR_CORRUPT);
		}
	}
	assert_int_equal(d.bytes[0], 7);
}

static void test_comparisons(void **state)
{
	struct digest zero = {{0}}, last = {{0}}, first = {{0}};

	(void)state;
	last.bytes[DIGEST_SIZE - 1] = 1;
	first.bytes[0] = 0x80;
	assert_true(digest_is_zero(&zero));
	assert_false(digest_is_zero(&last));
	assert_false(digest_is_zero(&first));
	assert_false(digest_equal(&zero, &last));
	assert_true(digest_compare(&zero, &last) < 0);
	assert_true(digest_compare(&first, &last) > 0);
	assert_int_equal(digest_compare(&first, &first), 0);
	assert_true(digest_prefix(&zero) == digest_prefix(&last));
	assert_true(digest_prefix(&zero) != digest_prefix(&first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests),
		cmocka_unit_test(test_hasher_takes_pieces_and_starts_afresh),
		cmocka_unit_test(test_hex_round_trip),
		cmocka_unit_test(test_hex_of_any_other_length_is_corrupt),
		cmocka_unit_test(test_hex_takes_lower_case_digits_only),
		cmocka_unit_test(test_comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
