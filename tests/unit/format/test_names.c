/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/names.h"
#include "util/error.h"

#define S(literal) span_of(literal, sizeof(literal) - 1)

static void test_name_check(void **state)
{
	(void)state;
	char name[NAME_SIZE_MAX + 1];
	memset(name, 'x', sizeof(name));
	assert_int_equal(name_check(S("a")), 0);
	assert_int_equal(name_check(S("...")), 0);
	assert_int_equal(name_check(S(".a")), 0);
	assert_int_equal(name_check(S("\xff")), 0);
	assert_int_equal(name_check(span_of(name, NAME_SIZE_MAX)), 0);
	assert_int_equal(name_check(S("")), ERR_CORRUPT);
	assert_int_equal(name_check(S(".")), ERR_CORRUPT);
	assert_int_equal(name_check(S("..")), ERR_CORRUPT);
	assert_int_equal(name_check(S("a/b")), ERR_CORRUPT);
	assert_int_equal(name_check(S("a\0b")), ERR_CORRUPT);
	assert_int_equal(name_check(span_of(name, NAME_SIZE_MAX + 1)), ERR_CORRUPT);
}

static void test_path_check(void **state)
{
	(void)state;
	char path[PATH_SIZE_MAX + 1];
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 100 == 99 ? '/' : 'x';
	assert_int_equal(path_check(S("")), 0);
	assert_int_equal(path_check((struct span){0}), 0);
	assert_int_equal(path_check(S("a/b/...")), 0);
	assert_int_equal(path_check(span_of(path, PATH_SIZE_MAX)), 0);
	assert_int_equal(path_check(span_of(path, PATH_SIZE_MAX + 1)), ERR_LIMIT);
	static const char *const bad[] = {
		"/", "/a", "a/", "a//b", ".", "..", "a/.", "a/../b", "./a"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(path_check(span_of_string(bad[i])), ERR_CORRUPT);
	assert_int_equal(path_check(S("a/b\0c")), ERR_CORRUPT);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Paths whose order is easily got wrong, ascending. */
static const char *const ordered[] = {"", "a", "a/a", "a/a/z", "a/b", "a\x01", "a\x01/b",
	"a\x2e", "a\x2e/x", "a0", "aa", "aaaaaaaaa", "aaaaaaaaa/b", "aaaaaaaaa!", "b",
	"\x80", "\xff"};
#define ORDERED (sizeof(ordered) / sizeof(*ordered))

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ORDERED; i++) {
		for (size_t j = 0; j < ORDERED; j++) {
			struct span a = span_of_string(ordered[i]),
				    b = span_of_string(ordered[j]);
			struct key x, y;
			assert_int_equal(key_encode(a, S("n"), &x), 0);
			assert_int_equal(key_encode(b, S("n"), &y), 0);
			int want = (i > j) - (i < j);
			assert_int_equal(sign(path_compare(a, b)), want);
			assert_int_equal(sign(key_compare(&x, &y)), want);
			assert_int_equal(sign(place_compare(a, S("n"), b, S("n"))), want);
		}
	}
}

static void test_order_random(void **state)
{
	(void)state;
	static const char alphabet[] = "a/\x01\x2e\x30\xff";
	srand(7);
	for (int round = 0; round < 20000; round++) {
		char text[2][24];
		size_t size[2];
		for (int k = 0; k < 2; k++) {
			size[k] = (size_t)(rand() % 24);
			for (size_t i = 0; i < size[k]; i++)
				text[k][i] = rand() % 4 ? 'a' : alphabet[rand() % 6];
		}
		struct span a = span_of(text[0], size[0]), b = span_of(text[1], size[1]);
		struct key x, y;
		assert_int_equal(key_encode(a, S("q"), &x), 0);
		assert_int_equal(key_encode(b, S("q"), &y), 0);
		assert_int_equal(sign(path_compare(a, b)), sign(key_compare(&x, &y)));
		assert_int_equal(sign(path_compare(a, b)), -sign(path_compare(b, a)));
	}
}

static void test_key_encode(void **state)
{
	(void)state;
	struct key key;
	assert_int_equal(key_encode(S(""), S(""), &key), 0);
	assert_int_equal(key.size, 1);
	assert_int_equal(key.data[0], 0);
	assert_int_equal(key_encode(S("a/b"), S("\x01\x2e\x30"), &key), 0);
	assert_int_equal(key.size, 7);
	assert_memory_equal(key.data,
		"a\x01"
		"b\0\x02\x2f\x30",
		7);
	char path[PATH_SIZE_MAX];
	memset(path, 'p', sizeof(path));
	assert_int_equal(key_encode(span_of(path, PATH_SIZE_MAX - 2), S("n"), &key), 0);
	assert_int_equal(key.size, PATH_SIZE_MAX);
	assert_int_equal(
		key_encode(span_of(path, PATH_SIZE_MAX - 1), S("n"), &key), ERR_LIMIT);
	assert_int_equal(key_encode(S(""), span_of(path, PATH_SIZE_MAX), &key), 0);
	assert_int_equal(key.size, KEY_SIZE_MAX);
	assert_int_equal(key_encode(S("a"), span_of(path, SIZE_MAX), &key), ERR_LIMIT);
}

static void check_split(const char *path, const char *parent, const char *name)
{
	struct span got_parent, got_name;
	struct bytes joined = {0};
	path_split(span_of_string(path), &got_parent, &got_name);
	assert_true(span_equal(got_parent, span_of_string(parent)));
	assert_true(span_equal(got_name, span_of_string(name)));
	assert_int_equal(bytes_append_string(&joined, "left over"), 0);
	assert_int_equal(path_join(got_parent, got_name, &joined), 0);
	assert_true(span_equal(span_of_bytes(&joined), span_of_string(path)));
	bytes_release(&joined);
}

static void test_split_and_join(void **state)
{
	(void)state;
	check_split("a/b/c", "a/b", "c");
	check_split("c", "", "c");
	check_split("", "", "");
}

static void test_key_hash(void **state)
{
	(void)state;
	struct key_hash h = {0};
	assert_int_equal(key_hash_inode(&h), 2);
	h.digest.bytes[7] = 1;
	assert_int_equal(key_hash_inode(&h), 3);
	h.digest.bytes[0] = 0x80;
	assert_int_equal(key_hash_inode(&h), 3);
	h.digest.bytes[7] = 9;
	assert_int_equal(key_hash_inode(&h), 9);
	memset(&h, 0xff, sizeof(h));
	assert_int_equal(key_hash_inode(&h), INT64_MAX);
	for (unsigned level = 0; level < 8; level++) {
		unsigned at = 8 + 4 * (level < 5 ? level : 5);
		memset(&h, 0xff, sizeof(h));
		assert_false(key_hash_cuts(&h, level, 2));
		assert_true(key_hash_cuts(&h, level, 1));
		h.digest.bytes[at] = 0x7f;
		assert_true(key_hash_cuts(&h, level, 2));
		assert_false(key_hash_cuts(&h, level, 4));
	}
}

static void test_key_hash_is_sha256(void **state)
{
	(void)state;
	struct key key;
	assert_int_equal(key_encode(S(""), S("abc"), &key), 0);
	struct key_hash h = key_hash_of(&key);
	struct digest want = digest_of("\0abc", 4);
	assert_memory_equal(h.digest.bytes, want.bytes, DIGEST_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_check),
		cmocka_unit_test(test_path_check),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_random),
		cmocka_unit_test(test_key_encode),
		cmocka_unit_test(test_split_and_join),
		cmocka_unit_test(test_key_hash),
		cmocka_unit_test(test_key_hash_is_sha256),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
