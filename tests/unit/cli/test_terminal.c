/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/terminal.h"

static void shows(const char *text, unsigned columns, const char *want)
{
	char *shown = NULL;
	size_t size;
	FILE *out = open_memstream(&shown, &size);

	assert_non_null(out);
	terminal_put_lines(out, text, columns);
	fclose(out);
	assert_string_equal(shown, want);
	free(shown);
}

static void test_lines_end_at_the_width(void **state)
{
	(void)state;
	shows("", 5, "");
	shows("12345", 5, "12345");
	shows("123456\n\n1234\n12345678\n", 5, "12345\n\n1234\n12345\n");
	shows("ab\ncd", 0, "\n");
}

/* A character is one, or two wide, or none; never half of one is left. */
static void test_characters_are_whole(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	shows("\xc3\xa4\xc3\xb6\xc3\xbc\n", 2, "\xc3\xa4\xc3\xb6\n");
	shows("a\xe6\xbc\xa2\xe5\xad\x97\n", 4, "a\xe6\xbc\xa2\n");
	shows("ae\xcc\x81o\n", 2, "ae\xcc\x81\n");
	shows("a\xff\xfe\n", 2, "a\xff\n");
}

static void test_no_terminal(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(terminal_columns(ends[1]), 80);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_end_at_the_width),
		cmocka_unit_test(test_characters_are_whole),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
