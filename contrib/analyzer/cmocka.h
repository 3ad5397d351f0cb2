/* SPDX-License-Identifier: MIT */
/*
 * In front of the system's <cmocka.h> when contrib/check has the unit tests analyzed, and
 * at no other time. cmocka's assertions are functions of another library, which for all an
 * analyzer knows return when they fail; these are seen not to.
 */
#include <stdlib.h>
#include <string.h>

#include_next <cmocka.h>

#define ANALYZED(holds) ((holds) ? (void)0 : abort())

#undef assert_true
#undef assert_false
#undef assert_null
#undef assert_non_null
#undef assert_int_equal
#undef assert_int_not_equal
#undef assert_ptr_equal
#undef assert_ptr_not_equal
#undef assert_in_range
#undef assert_string_equal
#undef assert_string_not_equal
#undef assert_memory_equal
#undef assert_memory_not_equal
#undef fail
#undef fail_msg
#undef skip
#define assert_true(c) ANALYZED(c)
#define assert_false(c) ANALYZED(!(c))
#define assert_null(p) ANALYZED(!(p))
#define assert_non_null(p) ANALYZED(p)
#define assert_int_equal(a, b) ANALYZED((a) == (b))
#define assert_int_not_equal(a, b) ANALYZED((a) != (b))
#define assert_ptr_equal(a, b) ANALYZED((a) == (b))
#define assert_ptr_not_equal(a, b) ANALYZED((a) != (b))
#define assert_in_range(n, least, most) ANALYZED((n) >= (least) && (n) <= (most))
#define assert_string_equal(a, b) ANALYZED(strcmp(a, b) == 0)
#define assert_string_not_equal(a, b) ANALYZED(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, size) ANALYZED(memcmp(a, b, size) == 0)
#define assert_memory_not_equal(a, b, size) ANALYZED(memcmp(a, b, size) != 0)
#define fail() abort()
#define fail_msg(...) abort()
#define skip() abort()
