/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "format/json_byte_string.h"
#include "util/error.h"

/* ESC, DEL, CSI as one character (U+009B), right-to-left override, a snowman, a bad byte.
 */
#define STEERING "\x1b[31m \x7f \xc2\x9b \xe2\x80\xae \xe2\x98\x83"

static char printed[512];

static int output(json_t *value, size_t flags)
{
	int saved = dup(STDOUT_FILENO), rc;
	FILE *f = tmpfile();
	size_t size;

	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	rc = json_output(value, flags);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(f);
	size = fread(printed, 1, sizeof printed - 1, f);
	printed[size] = '\0';
	fclose(f);
	return rc;
}

static void test_ascii_alone(void **state)
{
	(void)state;
	assert_int_equal(output(json_pack("{s:s}", STEERING, STEERING), JSON_COMPACT), 0);
	assert_string_equal(printed, "{\"\\u001B[31m \\u007f \\u009B \\u202E \\u2603\":"
				     "\"\\u001B[31m \\u007f \\u009B \\u202E \\u2603\"}\n");
	assert_int_equal(
		output(json_byte_string(span_of_string("a\xff")), JSON_COMPACT), 0);
	assert_string_equal(printed, "{\"base64\":\"Yf8=\"}\n");
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(
		output(json_pack("[o]", json_output_words(STEERING "\xff")), JSON_COMPACT),
		0);
	assert_string_equal(printed, "[\"?[31m ? ? ? \\u2603?\"]\n");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(output(NULL, 0), ERR_NO_MEMORY);
	assert_string_equal(printed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii_alone),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
