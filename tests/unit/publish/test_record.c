/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "publish/record.h"
#include "util/error.h"

#define CHUNKS 3
#define EXTENTS 2

/* One listed object of two files, the second sparse. */
static void make(struct bytes *out)
{
	uint8_t list[CHUNKS * CHUNK_RECORD_SIZE], extents[EXTENTS * EXTENT_RECORD_SIZE];
	struct object_ref object = {.digest = digest_of("object", 6),
		.size = 3000,
		.form = OBJECT_LISTED,
		.count = CHUNKS,
		.list = list};
	struct record_file file = {
		.has_content = true, .content = digest_of("1", 1), .size = 2000};

	for (uint32_t i = 0; i < CHUNKS; i++) {
		struct chunk_ref chunk = {.digest = digest_of(&i, sizeof i), .size = 1000};

		chunk_list_put(list, i, &chunk);
	}
	extent_put(extents, 0, &(struct extent){0, 600});
	extent_put(extents, 1, &(struct extent){10000, 400});
	assert_int_equal(record_append(out, &object, 2), 0);
	assert_int_equal(record_append_file(out, &file), 0);
	file = (struct record_file){.has_content = true,
		.content = digest_of("2", 1),
		.offset = 2000,
		.size = 20000,
		.extent_count = EXTENTS,
		.extents = extents};
	assert_int_equal(record_append_file(out, &file), 0);
}

static void test_there_and_back(void **state)
{
	struct bytes text = {0};
	struct record_file file;
	struct record r;
	struct digest second = digest_of("2", 1);
	size_t at = 0;

	(void)state;
	make(&text);
	assert_int_equal(record_decode(span_of_bytes(&text), &r), 0);
	assert_true(r.has_object);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.object.size, 3000);
	assert_int_equal(r.object.count, CHUNKS);
	assert_int_equal(chunk_list_at(r.object.list, 2).size, 1000);
	assert_int_equal(record_next(&r, &at, &file), 0);
	assert_int_equal(file.size, 2000);
	assert_int_equal(file.extent_count, 0);
	assert_int_equal(record_next(&r, &at, &file), 0);
	assert_true(digest_equal(&file.content, &second));
	assert_int_equal(file.offset, 2000);
	assert_int_equal(extent_at(file.extents, 1).offset, 10000);
	assert_int_equal(record_next(&r, &at, &file), ERR_ABSENT);
	bytes_release(&text);
}

/* A file with more runs than an entry holds. */
static void test_run_list(void **state)
{
	struct record_file file = {.has_content = true,
		.content = digest_of("1", 1),
		.size = 100000,
		.run_list = {.digest = digest_of("list", 4), .count = 5000, .size = 6000}};
	struct object_ref object = {.digest = digest_of("1", 1), .size = 6000};
	struct bytes text = {0};
	struct record_file got;
	struct record r;
	size_t at = 0;

	(void)state;
	assert_int_equal(record_append(&text, &object, 1), 0);
	assert_int_equal(record_append_file(&text, &file), 0);
	assert_int_equal(record_decode(span_of_bytes(&text), &r), 0);
	assert_int_equal(record_next(&r, &at, &got), 0);
	assert_int_equal(got.extent_count, 0);
	assert_true(got.run_list.count == 5000 && got.run_list.size == 6000);
	assert_true(digest_equal(&got.run_list.digest, &file.run_list.digest));
	assert_int_equal(record_next(&r, &at, &got), ERR_ABSENT);
	r.files.size--; /* cut off within it */
	at = 0;
	assert_int_equal(record_next(&r, &at, &got), ERR_CORRUPT);
	bytes_release(&text);
}

static void test_without_object(void **state)
{
	struct record_file file = {.size = 5};
	struct bytes text = {0};
	struct record r;
	size_t at = 0;

	(void)state;
	assert_int_equal(record_append(&text, NULL, 1), 0);
	assert_int_equal(record_append_file(&text, &file), 0);
	assert_int_equal(record_decode(span_of_bytes(&text), &r), 0);
	assert_false(r.has_object);
	assert_int_equal(record_next(&r, &at, &file), 0);
	assert_false(file.has_content);
	bytes_release(&text);
}

/* Steps to the end, whatever it is; every byte that is given out is touched. */
static void use(struct span text)
{
	struct record_file file;
	struct record r;
	size_t at = 0;
	unsigned sum = 0;

	if (record_decode(text, &r))
		return;
	for (uint32_t i = 0;
		r.has_object && r.object.form == OBJECT_LISTED && i < r.object.count; i++)
		sum += chunk_list_at(r.object.list, i).size;
	while (!record_next(&r, &at, &file))
		for (uint32_t i = 0; i < file.extent_count; i++)
			sum += (unsigned)extent_at(file.extents, i).size;
	assert_true(sum + 1 != 0 || sum == UINT32_MAX);
}

static void test_corrupt(void **state)
{
	struct bytes text = {0};
	uint8_t *copy;

	(void)state;
	make(&text);
	for (size_t size = 0; size < text.size; size++) {
		copy = malloc(size + 1); /* so that a sanitizer sees the end */
		memcpy(copy, text.data, size);
		use(span_of(copy, size));
		free(copy);
	}
	copy = malloc(text.size);
	for (size_t i = 0; i < text.size * 8; i++) {
		memcpy(copy, text.data, text.size);
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		use(span_of(copy, text.size));
	}
	free(copy);
	bytes_release(&text);
}

static void test_head_is_checked(void **state)
{
	struct bytes text = {0};
	struct record r;

	(void)state;
	make(&text);
	text.data[0] ^= 1; /* the version */
	assert_int_equal(record_decode(span_of_bytes(&text), &r), ERR_CORRUPT);
	assert_int_equal(record_decode(span_of(text.data, 10), &r), ERR_CORRUPT);
	bytes_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_run_list),
		cmocka_unit_test(test_without_object),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_head_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
