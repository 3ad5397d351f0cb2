/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cache/write/pending_pages.h"

#define MANY 1000

/* A page of `number` bytes; all names have the same beginning, and so fall together. */
static struct blob_buffer *page_of(unsigned number)
{
	struct digest name = digest_of(&number, sizeof number);
	struct blob_buffer *page;

	name.bytes[0] = 7;
	page = blob_buffer_new(BLOB_PAGE, &name, number);
	assert_non_null(page);
	return page;
}

static void test_add_find_remove(void **state)
{
	struct pending_pages p = {.bytes = 0};
	struct blob_buffer *pages[MANY];
	size_t bytes = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		pages[i] = page_of(i + 1);
		assert_null(pending_pages_find(&p, blob_buffer_digest(pages[i])));
		assert_int_equal(pending_pages_add(&p, pages[i]), 0);
		bytes += i + 1;
		assert_int_equal(p.bytes, bytes);
		assert_int_equal(atomic_load(&p.count), i + 1);
	}
	/* In another order than they came. */
	for (unsigned i = 0; i < MANY; i++) {
		struct blob_buffer *page = pages[i * 7 % MANY];

		assert_ptr_equal(pending_pages_find(&p, blob_buffer_digest(page)), page);
		pending_pages_remove(&p, blob_buffer_digest(page));
		assert_null(pending_pages_find(&p, blob_buffer_digest(page)));
	}
	assert_int_equal(p.bytes, 0);
	assert_int_equal(atomic_load(&p.count), 0);
	for (unsigned i = 0; i < MANY; i++)
		blob_buffer_put(pages[i]);
}

/* It lives as long as it waits, whoever lets go of it. */
static void test_it_has_a_reference(void **state)
{
	struct pending_pages p = {.bytes = 0};
	struct blob_buffer *page = page_of(5);
	struct digest name = *blob_buffer_digest(page);

	(void)state;
	assert_int_equal(pending_pages_add(&p, page), 0);
	blob_buffer_put(page);
	assert_int_equal(blob_buffer_span(pending_pages_find(&p, &name)).size, 5);
	pending_pages_remove(&p, &name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_find_remove),
		cmocka_unit_test(test_it_has_a_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
