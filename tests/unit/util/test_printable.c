/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/printable.h"

static void test_clean(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{"", ""},
		{"plain ~", "plain ~"},
		{"\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
			"\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a\033[2Jb\n\r\t\x7f", "a?[2Jb????"},
		{"\xc2\x9b"
		 "2J \xc2\x80 \xc2\x9f \xc2\xa0",
			"?2J ? ? \xc2\xa0"}, /* C1 */
		{"\x9b"
		 "2J",
			"?2J"}, /* the same in Latin-1 */
		{"\xe2\x80\xae"
		 "fdp.exe",
			"?fdp.exe"}, /* U+202E */
		{"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "????"},
		{"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "????"},
		{"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8\xe2\x80\xa9", "?????"},
		{"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"},
		/* No UTF-8: overlong, surrogates, cut off, too large. */
		{"\xc0\x9b", "??"},
		{"\xe0\x80\x9b", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xe2\x80", "??"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xff\xfe", "??"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		strcpy(text, cases[i].text);
		printable_clean(text);
		if (strcmp(text, cases[i].clean))
			fail_msg("case %zu: %s", i, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
