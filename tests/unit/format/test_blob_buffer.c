/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/blob_buffer.h"

static struct blob_buffer *make(uint8_t value, size_t size)
{
	struct digest digest = {{value}};
	struct blob_buffer *b = blob_buffer_new(BLOB_PAGE, &digest, size);

	assert_non_null(b);
	if (size > 0)
		memset(blob_buffer_data(b), value, size);
	return b;
}

static void test_holds_what_it_was_given(void **state)
{
	struct blob_buffer *b = make(7, 1000);
	struct span content = blob_buffer_span(b);

	(void)state;
	assert_int_equal(content.size, 1000);
	assert_ptr_equal(content.data, blob_buffer_data(b));
	assert_int_equal((uintptr_t)content.data % 16, 0);
	assert_int_equal(content.data[999], 7);
	assert_int_equal(blob_buffer_digest(b)->bytes[0], 7);
	assert_int_equal(blob_buffer_kind(b), BLOB_PAGE);
	blob_buffer_put(b);
	blob_buffer_put(NULL);
}

static void test_lives_as_long_as_it_is_held(void **state)
{
	struct blob_buffer *b = make(1, 10);

	(void)state;
	assert_ptr_equal(blob_buffer_get(b), b);
	blob_buffer_put(b);
	assert_int_equal(blob_buffer_span(b).data[9], 1);
	blob_buffer_put(b);
}

static void test_sizes(void **state)
{
	struct digest digest = {{0}};
	struct blob_buffer *b = make(0, 0);

	(void)state;
	assert_int_equal(blob_buffer_span(b).size, 0);
	blob_buffer_put(b);
	assert_null(blob_buffer_new(BLOB_CHUNK, &digest, SIZE_MAX));
	assert_null(blob_buffer_new(BLOB_CHUNK, &digest, SIZE_MAX - 1));
}

/* The list owns what it was given, and lets go of all of it. */
static void test_list(void **state)
{
	struct blob_buffers list = {0};
	struct blob_buffer *shared = make(3, 3);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(blob_buffers_add(&list,
					 i % 2 ? blob_buffer_get(shared) : make(4, 4)),
			0);
	assert_int_equal(list.count, 100);
	assert_ptr_equal(list.items[99], shared);
	assert_int_equal(blob_buffer_span(list.items[98]).size, 4);
	blob_buffers_release(&list);
	assert_int_equal(list.count, 0);
	assert_null(list.items);
	assert_int_equal(blob_buffer_span(shared).data[2], 3);
	blob_buffer_put(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_what_it_was_given),
		cmocka_unit_test(test_lives_as_long_as_it_is_held),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
