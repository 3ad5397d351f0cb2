/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "util/error.h"

static void test_each_code_has_its_own_words(void **state)
{
	(void)state;
	for (int a = ERR_CORRUPT; a >= ERR_FILE_SIZE; a--) {
		assert_string_not_equal(error_text(a), "unknown error");
		for (int b = ERR_CORRUPT; b > a; b--)
			assert_string_not_equal(error_text(a), error_text(b));
	}
	assert_string_equal(error_text(ERR_CORRUPT), "corrupt");
	assert_string_equal(error_text(0), "success");
}

static void test_unknown_codes_have_words_too(void **state)
{
	(void)state;
	assert_string_equal(error_text(1), "unknown error");
	assert_string_equal(error_text(ERR_FILE_SIZE - 1), "unknown error");
	assert_string_equal(error_text(-2147483647 - 1), "unknown error");
	assert_string_equal(error_text(2147483647), "unknown error");
}

static void test_errno_maps_to_the_nearest_code(void **state)
{
	(void)state;
	assert_int_equal(error_from_errno(ENOENT), ERR_ABSENT);
	assert_int_equal(error_from_errno(EACCES), ERR_DENIED);
	assert_int_equal(error_from_errno(EPERM), ERR_DENIED);
	assert_int_equal(error_from_errno(EROFS), ERR_DENIED);
	assert_int_equal(error_from_errno(ENOSPC), ERR_NO_SPACE);
	assert_int_equal(error_from_errno(EDQUOT), ERR_NO_SPACE);
	assert_int_equal(error_from_errno(ENOMEM), ERR_NO_MEMORY);
	assert_int_equal(error_from_errno(EMFILE), ERR_NO_FILES);
	assert_int_equal(error_from_errno(EFBIG), ERR_FILE_SIZE);
	assert_int_equal(error_from_errno(ENFILE), ERR_NO_FILES);
	assert_int_equal(error_from_errno(EEXIST), ERR_EXISTS);
	assert_int_equal(error_from_errno(EBUSY), ERR_BUSY);
	assert_int_equal(error_from_errno(ETIMEDOUT), ERR_TIMEOUT);
	assert_int_equal(error_from_errno(ECONNREFUSED), ERR_UNREACHABLE);
	assert_int_equal(error_from_errno(EIO), ERR_IO);
	assert_int_equal(error_from_errno(0), ERR_IO);
	assert_int_equal(error_from_errno(123456), ERR_IO);
}

static void test_trouble_says_what_happened(void **state)
{
	struct trouble t;

	(void)state;
	assert_int_equal(trouble_set(&t, ERR_CORRUPT, "page %d is short", 7), ERR_CORRUPT);
	assert_int_equal(t.code, ERR_CORRUPT);
	assert_string_equal(t.text, "page 7 is short");
	assert_int_equal(trouble_set(NULL, ERR_LIMIT, "%s", "nobody asks"), ERR_LIMIT);
}

static void test_trouble_may_wrap_itself(void **state)
{
	struct trouble t;

	(void)state;
	trouble_set(&t, ERR_ABSENT, "no such key");
	trouble_set(&t, ERR_UNTRUSTED, "manifest: %s", t.text);
	assert_string_equal(t.text, "manifest: no such key");
	assert_int_equal(t.code, ERR_UNTRUSTED);
}

static void test_trouble_is_one_clean_line(void **state)
{
	struct trouble t;

	(void)state;
	trouble_set(&t, ERR_CORRUPT, "name \"%s\"", "a\x1b[2Jb\nc\x7f\xc3\xa4");
	assert_string_equal(t.text, "name \"a?[2Jb?c?\xc3\xa4\"");
}

static void test_trouble_is_cut_not_overrun(void **state)
{
	struct trouble t;
	char words[3 * TROUBLE_MAX];

	(void)state;
	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	trouble_set(&t, ERR_LIMIT, "%s", words);
	assert_int_equal(strlen(t.text), TROUBLE_MAX - 1);
	/* The reason is worth more than the end of a long name. */
	errno = ENOSPC;
	assert_int_equal(trouble_errno(&t, "%s", words), ERR_NO_SPACE);
	assert_true(strlen(t.text) < TROUBLE_MAX);
	assert_non_null(strstr(t.text, strerror(ENOSPC)));
}

static void test_trouble_errno_appends_the_reason(void **state)
{
	struct trouble t;

	(void)state;
	errno = ENOENT;
	assert_int_equal(trouble_errno(&t, "cannot open %s", "/x"), ERR_ABSENT);
	assert_string_equal(t.text, "cannot open /x: No such file or directory");
	assert_int_equal(t.code, ERR_ABSENT);
	errno = EACCES;
	assert_int_equal(trouble_errno(NULL, "cannot open %s", "/x"), ERR_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_code_has_its_own_words),
		cmocka_unit_test(test_unknown_codes_have_words_too),
		cmocka_unit_test(test_errno_maps_to_the_nearest_code),
		cmocka_unit_test(test_trouble_says_what_happened),
		cmocka_unit_test(test_trouble_may_wrap_itself),
		cmocka_unit_test(test_trouble_is_one_clean_line),
		cmocka_unit_test(test_trouble_is_cut_not_overrun),
		cmocka_unit_test(test_trouble_errno_appends_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
