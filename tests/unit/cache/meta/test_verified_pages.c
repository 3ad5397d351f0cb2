/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/meta/verified_pages.h"
#include "unit/await.h"

/* That believes for longer than a test lasts. */
static struct verified_pages *patient(void)
{
	struct verified_pages *v = verified_pages_new();

	verified_pages_set_term(v, 3600);
	return v;
}

static struct digest nth(unsigned i)
{
	return digest_of(&i, sizeof i);
}

static void test_add_and_drop(void **state)
{
	struct verified_pages *v = patient();
	struct digest one = nth(1), two = nth(2);

	(void)state;
	assert_false(verified_pages_has(v, &one));
	verified_pages_drop(v, &one);
	verified_pages_add(v, &one);
	assert_true(verified_pages_has(v, &one));
	assert_false(verified_pages_has(v, &two));
	verified_pages_drop(v, &two);
	assert_true(verified_pages_has(v, &one));
	verified_pages_drop(v, &one);
	assert_false(verified_pages_has(v, &one));
	verified_pages_free(v);
	verified_pages_free(NULL);
}

/* Digests that differ in one part only are told apart, or not believed. */
static void test_digests_that_are_alike(void **state)
{
	struct verified_pages *v = patient();
	struct digest zero = {{0}}, one = {{0}};

	(void)state;
	one.bytes[8] = 1;
	verified_pages_add(v, &zero);
	assert_false(verified_pages_has(v, &zero));
	verified_pages_add(v, &one);
	assert_true(verified_pages_has(v, &one));
	one.bytes[8] = 2;
	assert_false(verified_pages_has(v, &one));
	one.bytes[8] = 1;
	one.bytes[0] = 1;
	assert_false(verified_pages_has(v, &one));
	verified_pages_free(v);
}

/* Full, it forgets some and believes nothing that was not added. */
static void test_forgets_when_full(void **state)
{
	struct verified_pages *v = patient();
	const unsigned many = 200000;
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 0; i < many; i++) {
		struct digest d = nth(i);

		verified_pages_add(v, &d);
		assert_true(verified_pages_has(v, &d));
	}
	for (unsigned i = 0; i < many; i++) {
		struct digest d = nth(i);

		kept += verified_pages_has(v, &d);
	}
	assert_true(kept > many / 10 && kept < many);
	for (unsigned i = many; i < many + 10000; i++) {
		struct digest d = nth(i);

		assert_false(verified_pages_has(v, &d));
	}
	verified_pages_free(v);
}

/* What was looked at is looked at again after its term. */
static void test_term(void **state)
{
	struct verified_pages *v = verified_pages_new();
	struct digest d = nth(1);

	(void)state;
	verified_pages_add(v, &d);
	AWAIT(!verified_pages_has(v, &d));
	verified_pages_add(v, &d);
	verified_pages_set_term(v, 0);
	assert_false(verified_pages_has(v, &d));
	verified_pages_set_term(v, 3600);
	assert_true(verified_pages_has(v, &d));
	verified_pages_drop(v, &d);
	assert_false(verified_pages_has(v, &d));
	verified_pages_free(v);
}

static void *add_own(void *arg)
{
	struct verified_pages *v = ((void **)arg)[0];
	unsigned first = *(unsigned *)((void **)arg)[1];
	unsigned wrong = 0;

	for (unsigned i = first; i < first + 2000; i++) {
		struct digest d = nth(i), other = nth(i + 1000000);

		verified_pages_add(v, &d);
		wrong += verified_pages_has(v, &other);
		if (i % 3 == 0)
			verified_pages_drop(v, &d);
	}
	*(unsigned *)((void **)arg)[1] = wrong;
	return NULL;
}

static void test_many_threads(void **state)
{
	struct verified_pages *v = patient();
	unsigned numbers[4];
	void *args[4][2];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		numbers[i] = i * 2000;
		args[i][0] = v;
		args[i][1] = &numbers[i];
		assert_int_equal(pthread_create(&threads[i], NULL, add_own, args[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(numbers[i], 0);
	}
	verified_pages_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_and_drop),
		cmocka_unit_test(test_digests_that_are_alike),
		cmocka_unit_test(test_forgets_when_full),
		cmocka_unit_test(test_term),
		cmocka_unit_test(test_many_threads),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
