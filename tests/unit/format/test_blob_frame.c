/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "format/blob_frame.h"
#include "util/error.h"

#define SIZE (700u << 10)

static struct blob_codec *codec;
static uint8_t *content;

static int set_up(void **state)
{
	uint32_t x = 1;

	(void)state;
	codec = blob_codec_new();
	content = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		content[i] = i % 3 ? (uint8_t)(x >> 28) : 'a';
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	blob_codec_free(codec);
	free(content);
	return 0;
}

static void whole(struct span stored, size_t size, bool has_base)
{
	struct blob_head head;

	assert_int_equal(blob_frame_check(stored, PAGE_SIZE_MAX, &head), 0);
	assert_int_equal(head.size, size);
	assert_int_equal(head.has_base, has_base);
}

/* Whatever zstd makes of it: no content, one block, many, blocks of one byte repeated. */
static void test_whole(void **state)
{
	static const size_t sizes[] = {0, 1, 255, 256, 65791, 65792, 131072, 131073, SIZE};
	struct digest base = digest_of("b", 1);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (int level = 1; level <= 19; level += 6) {
			struct bytes out = {0};

			assert_int_equal(
				blob_encode(codec, span_of(content, sizes[i]), level, &out),
				0);
			whole(span_of_bytes(&out), sizes[i], false);
			bytes_clear(&out);
			assert_int_equal(
				blob_encode_delta(codec, span_of(content, sizes[i]), &base,
					span_of(content, 1000), level, &out),
				0);
			whole(span_of_bytes(&out), sizes[i], true);
			bytes_release(&out);
		}
	}
	memset(content, 0, SIZE);
	for (size_t size = 1; size <= SIZE; size *= 7) {
		struct bytes out = {0};

		assert_int_equal(blob_encode(codec, span_of(content, size), 3, &out), 0);
		whole(span_of_bytes(&out), size, false);
		bytes_release(&out);
	}
}

/* A file that ends anywhere, or goes on, is found. */
static void test_cut_and_longer(void **state)
{
	struct bytes out = {0};
	struct blob_head head;

	(void)state;
	assert_int_equal(blob_encode(codec, span_of(content, SIZE), 3, &out), 0);
	for (size_t size = 0; size < out.size; size += size < 200 ? 1 : 997)
		assert_int_equal(
			blob_frame_check(span_of(out.data, size), PAGE_SIZE_MAX, &head),
			ERR_CORRUPT);
	assert_int_equal(
		blob_frame_check(span_of(out.data, out.size - 1), PAGE_SIZE_MAX, &head),
		ERR_CORRUPT);
	assert_int_equal(bytes_append(&out, "x", 1), 0);
	assert_int_equal(
		blob_frame_check(span_of_bytes(&out), PAGE_SIZE_MAX, &head), ERR_CORRUPT);
	assert_int_equal(blob_frame_check(span_of_bytes(&out), SIZE - 1, &head), ERR_LIMIT);
	bytes_release(&out);
}

/* What a power loss leaves in place of a tail that was not written: zeros. */
static void test_zeros(void **state)
{
	struct bytes out = {0};
	struct blob_head head;

	(void)state;
	assert_int_equal(blob_encode(codec, span_of(content, SIZE), 3, &out), 0);
	assert_true(out.size > 100000);
	memset(out.data + 4096, 0, out.size - 4096);
	assert_int_equal(
		blob_frame_check(span_of_bytes(&out), PAGE_SIZE_MAX, &head), ERR_CORRUPT);
	bytes_release(&out);
}

/* Any bytes: no read beyond them, and what is called whole is as long as it says. */
static void test_flipped_heads(void **state)
{
	struct bytes out = {0};
	struct blob_head head;

	(void)state;
	assert_int_equal(blob_encode(codec, span_of(content, 5000), 3, &out), 0);
	for (size_t bit = 0; bit < 16 * 8; bit++) {
		uint8_t *copy = malloc(out.size);

		memcpy(copy, out.data, out.size);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)blob_frame_check(span_of(copy, out.size), PAGE_SIZE_MAX, &head);
		free(copy);
	}
	out.data[3] ^= 1; /* its magic */
	assert_int_equal(
		blob_frame_check(span_of_bytes(&out), PAGE_SIZE_MAX, &head), ERR_CORRUPT);
	bytes_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_and_longer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_zeros, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flipped_heads, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
