/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/digest_set.h"

#define MANY 20000u

static struct digest nth(unsigned i)
{
	return digest_of(&i, sizeof i);
}

static void test_has_what_was_added(void **state)
{
	struct digest_set s = {.memory = 8u << 20};
	struct digest zero = {{0}};

	(void)state;
	assert_false(digest_set_has(&s, &zero));
	assert_int_equal(digest_set_add(&s, &zero), 0);
	assert_int_equal(digest_set_add(&s, &zero), ERR_EXISTS);
	for (unsigned i = 0; i < MANY; i++) {
		struct digest d = nth(i);

		assert_false(digest_set_has(&s, &d));
		assert_int_equal(digest_set_add(&s, &d), 0);
		assert_int_equal(digest_set_add(&s, &d), ERR_EXISTS);
	}
	for (unsigned i = 0; i < 2 * MANY; i++) {
		struct digest d = nth(i);

		assert_int_equal(digest_set_has(&s, &d), i < MANY);
	}
	digest_set_release(&s);
	assert_false(digest_set_has(&s, &zero));
	assert_int_equal(digest_set_add(&s, &zero), 0);
	digest_set_release(&s);
}

/* It says so, and goes on knowing what it knew. */
static void test_is_bounded(void **state)
{
	struct digest_set s = {.memory = 100000};
	unsigned added = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct digest d = nth(i);
		int rc = digest_set_add(&s, &d);

		assert_true(rc == 0 || rc == ERR_LIMIT);
		added += !rc;
		assert_int_equal(digest_set_has(&s, &d), !rc);
	}
	assert_true(added > 1000 && added < 100000 / 16);
	digest_set_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has_what_was_added),
		cmocka_unit_test(test_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
