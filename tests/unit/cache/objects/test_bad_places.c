/* SPDX-License-Identifier: MIT */
#include "cache/objects/bad_places.h"
#include "unit/object_samples.h"

static void test_kinds(void **state)
{
	struct bad_places b;

	(void)state;
	bad_places_init(&b);
	assert_int_equal(bad_places_find(&b, 0, 0), BAD_PLACE_NONE);
	bad_places_remove(&b, 7, 3);
	bad_places_add(&b, 7, 3);
	bad_places_add(&b, 7, 3);
	assert_int_equal(bad_places_find(&b, 7, 3), BAD_PLACE_READ);
	assert_int_equal(bad_places_find(&b, 7, 4), BAD_PLACE_NONE);
	assert_int_equal(bad_places_find(&b, 8, 3), BAD_PLACE_NONE);
	bad_places_refuse(&b, 7, 3);
	assert_int_equal(bad_places_find(&b, 7, 3), BAD_PLACE_WRITE);
	bad_places_remove(&b, 7, 3);
	assert_int_equal(bad_places_find(&b, 7, 3), BAD_PLACE_NONE);
	bad_places_release(&b);
}

/* The last ones are known. */
static void test_bounded(void **state)
{
	struct bad_places b;

	(void)state;
	bad_places_init(&b);
	for (unsigned i = 0; i < 3 * BAD_PLACES_MAX; i++)
		bad_places_add(&b, i, i);
	assert_int_equal(bad_places_find(&b, 0, 0), BAD_PLACE_NONE);
	for (unsigned i = 2 * BAD_PLACES_MAX; i < 3 * BAD_PLACES_MAX; i++)
		assert_int_equal(bad_places_find(&b, i, i), BAD_PLACE_READ);
	bad_places_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
