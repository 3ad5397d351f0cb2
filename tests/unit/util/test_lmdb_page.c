/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <string.h>

#include "util/error.h"
#include "util/lmdb_page.h"

#define SIZE 512
#define NUMBER 7

/* A leaf with two rows, as LMDB writes them: from the end, "a" = "xyz" and "bc" = "". */
union leaf {
	struct lmdb_page header;
	uint16_t words[SIZE / 2];
	uint8_t bytes[SIZE];
};
#define FIRST (SIZE - 12)
#define SECOND (SIZE - 22)

static void put_row(
	union leaf *l, size_t i, uint16_t at, const char *key, const char *value)
{
	struct lmdb_node n = {.key_size = (uint16_t)strlen(key)};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	n.hi = (uint16_t)strlen(value);
#else
	n.lo = (uint16_t)strlen(value);
#endif
	l->words[sizeof l->header / 2 + i] = at;
	memcpy(l->bytes + at, &n, sizeof n);
	memcpy(l->bytes + at + sizeof n, key, strlen(key));
	memcpy(l->bytes + at + sizeof n + strlen(key), value, strlen(value));
}

static union leaf sample(void)
{
	union leaf l = {.bytes = {0}};

	l.header.number = NUMBER;
	l.header.flags = P_LEAF;
	l.header.lower = sizeof l.header + 2 * sizeof(uint16_t);
	l.header.upper = SECOND;
	put_row(&l, 0, FIRST, "a", "xyz");
	put_row(&l, 1, SECOND, "bc", "");
	return l;
}

static int check(const union leaf *l)
{
	uint8_t used[SIZE];
	size_t count;

	return lmdb_page_check(l->bytes, SIZE, NUMBER, true, used, &count);
}

static void test_rows_are_found(void **state)
{
	const union leaf l = sample();
	uint8_t used[SIZE];
	struct lmdb_node n;
	size_t count = 0;

	(void)state;
	assert_int_equal(lmdb_page_check(l.bytes, SIZE, NUMBER, true, used, &count), 0);
	assert_int_equal(count, 2);
	assert_ptr_equal(lmdb_page_node(l.bytes, 0, &n), l.bytes + FIRST);
	assert_int_equal(n.key_size, 1);
	assert_int_equal(lmdb_node_data_size(&n), 3);
	assert_int_equal(lmdb_page_check(l.bytes, SIZE, NUMBER + 1, true, used, &count),
		ERR_CORRUPT);
	assert_int_equal(
		lmdb_page_check(l.bytes, SIZE, NUMBER, false, used, &count), ERR_CORRUPT);
}

static void test_bounds(void **state)
{
	static const struct {
		uint16_t lower, upper;
	} wrong[] = {
		{sizeof(struct lmdb_page), SECOND},	/* none */
		{sizeof(struct lmdb_page) + 3, SECOND}, /* half a one */
		{SECOND + 2, SECOND},
		{sizeof(struct lmdb_page) + 4, SIZE + 2},
		{sizeof(struct lmdb_page) + 4, SECOND - 2}, /* a gap */
		{sizeof(struct lmdb_page) + 4, SECOND + 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		union leaf l = sample();

		l.header.lower = wrong[i].lower;
		l.header.upper = wrong[i].upper;
		assert_int_equal(check(&l), ERR_CORRUPT);
	}
}

static void test_rows_lie_apart(void **state)
{
	static const uint16_t wrong[] = {
		FIRST,	   /* twice the same */
		FIRST - 1, /* odd */
		FIRST - 2, /* over each other */
		SIZE - 6,
		SIZE,
		UINT16_MAX - 1,
		0,
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		union leaf l = sample();

		l.words[sizeof l.header / 2 + 1] = wrong[i];
		assert_int_equal(check(&l), ERR_CORRUPT);
	}
}

static void test_row_is_too_long(void **state)
{
	union leaf l = sample();
	struct lmdb_node n;

	(void)state;
	lmdb_page_node(l.bytes, 0, &n);
	n.key_size = UINT16_MAX;
	memcpy(l.bytes + FIRST, &n, sizeof n);
	assert_int_equal(check(&l), ERR_CORRUPT);
	n.key_size = 1;
	n.lo = n.hi = UINT16_MAX;
	memcpy(l.bytes + FIRST, &n, sizeof n);
	assert_int_equal(check(&l), ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_found),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rows_lie_apart),
		cmocka_unit_test(test_row_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
