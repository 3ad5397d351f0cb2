/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/progress_line.h"

#define MIB (UINT64_C(1) << 20)

static char line[PROGRESS_COLUMNS_MAX + 1];

static void shows(const struct progress_state *s, unsigned columns, const char *text)
{
	progress_line(s, columns, line);
	assert_string_equal(line, text);
}

static void test_leaves_out_what_has_no_room(void **state)
{
	const struct progress_state s = {
		"prefetch", "checking", 85 * MIB, 250 * MIB, 9.0 * MIB};

	(void)state;
	shows(&s, 199,
		"prefetch [#################.................................]  34% 85.0 "
		"MiB "
		"of 250 MiB  9.0 MiB/s  0:18 left checking");
	shows(&s, 79,
		"prefetch [####........]  34% 85.0 MiB of 250 MiB  9.0 MiB/s  0:18 left "
		"checking");
	shows(&s, 59, "prefetch  34% 85.0 MiB of 250 MiB  9.0 MiB/s  0:18 left");
	shows(&s, 39, " 34% 85.0 MiB  9.0 MiB/s  0:18 left");
	shows(&s, 20, " 34% 85.0 MiB");
	shows(&s, 0, "");
}

static void test_says_only_what_is_known(void **state)
{
	struct progress_state s = {"get", NULL, 3 * MIB, 0, -1};

	(void)state;
	shows(&s, 79, "get 3.0 MiB");
	s.rate = 0;
	shows(&s, 79, "get 3.0 MiB      0 B/s");
	s.total = 4 * MIB;
	shows(&s, 39, "get  75% 3.0 MiB of 4.0 MiB      0 B/s");
	s.rate = 1;
	shows(&s, 79,
		"get [##################......]  75% 3.0 MiB of 4.0 MiB      1 B/s 12 "
		"d 3 "
		"h left");
	s.done = s.total;
	shows(&s, 39, "get 100% 4.0 MiB of 4.0 MiB      1 B/s");
	s.note = "\x1b[31m";
	progress_line(&s, 79, line);
	assert_null(strchr(line, '\x1b'));
}

static void test_is_never_wider(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 1023, 99 * MIB, 1023 * MIB, INT64_MAX, UINT64_MAX};
	const size_t count = sizeof sizes / sizeof *sizes;

	(void)state;
	for (unsigned columns = 0; columns < PROGRESS_COLUMNS_MAX + 9; columns++) {
		for (size_t i = 0; i < count * count * count; i++) {
			const struct progress_state s = {"verify", "writing to the disk",
				sizes[i % count], sizes[i / count % count],
				(double)sizes[i / count / count]};

			progress_line(&s, columns, line);
			assert_true(strlen(line) <= columns);
			assert_true(columns < 39 || strstr(line, "B/s"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_out_what_has_no_room),
		cmocka_unit_test(test_says_only_what_is_known),
		cmocka_unit_test(test_is_never_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
