/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/log_causes.h"

#define DIGEST_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_B "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0"

/* Is the second line written when the first was? */
static bool differ(const char *one, const char *two)
{
	struct log_causes c;
	struct log_cause over;
	bool write;

	log_causes_init(&c);
	assert_true(log_causes_note(&c, 1, one, 0, &over));
	assert_null(over.first);
	write = log_causes_note(&c, 1, two, 1, &over);
	assert_null(over.first);
	log_causes_release(&c);
	return write;
}

static void test_what_is_alike(void **state)
{
	(void)state;
	assert_false(differ("a", "a"));
	assert_false(differ("blob " DIGEST_A ": gone", "blob " DIGEST_B ": gone"));
	assert_false(differ("https://h/blobs/01/" DIGEST_A ": 404",
		"https://h/blobs/f1/" DIGEST_B ": 404"));
	assert_false(differ("at 123456789", "at 987654"));
	assert_true(differ("a", "b"));
	assert_true(differ("", "b"));
	assert_true(differ("blob " DIGEST_A ": gone", "blob " DIGEST_A ": rotten"));
	assert_true(differ("http://h:8080: 404", "http://h:8081: 404"));
	assert_true(differ("http://h: 404", "http://h: 503"));
	assert_true(differ("file ab/c", "file cd/c"));
	assert_true(differ(DIGEST_A "x", DIGEST_B "x"));
}

static void test_levels_differ(void **state)
{
	struct log_causes c;
	struct log_cause over;

	(void)state;
	log_causes_init(&c);
	assert_true(log_causes_note(&c, 0, "line", 0, &over));
	assert_true(log_causes_note(&c, 1, "line", 0, &over));
	assert_false(log_causes_note(&c, 0, "line", 0, &over));
	log_causes_release(&c);
}

static void test_one_in_a_minute(void **state)
{
	struct log_causes c;
	struct log_cause over;

	(void)state;
	log_causes_init(&c);
	assert_true(log_causes_note(&c, 1, "line 1234567", 10, &over));
	for (int i = 0; i < 9531; i++)
		assert_false(log_causes_note(&c, 1, "line 7654321", 11, &over));
	assert_false(log_causes_next_over(&c, LOG_CAUSES_FOR + 9, &over));
	assert_true(log_causes_next_over(&c, LOG_CAUSES_FOR + 10, &over));
	assert_string_equal(over.first, "line 1234567");
	assert_int_equal(over.more, 9531);
	assert_int_equal(over.level, 1);
	free(over.first);
	assert_false(log_causes_next_over(&c, INT64_MAX, &over));
	/* The next minute begins with the next line. */
	assert_true(log_causes_note(&c, 1, "line 1234567", LOG_CAUSES_FOR + 10, &over));
	assert_null(over.first);
	assert_false(log_causes_note(&c, 1, "line 1234567", LOG_CAUSES_FOR + 11, &over));
	/* Nobody looked when that was over: the next line does. */
	assert_true(log_causes_note(&c, 1, "line 1234568", 2 * LOG_CAUSES_FOR + 10, &over));
	assert_int_equal(over.more, 1);
	free(over.first);
	/* Without a second line there is nothing to tell. */
	assert_false(log_causes_next_over(&c, INT64_MAX, &over));
	log_causes_release(&c);
}

/* Every cause is told of, and no line is lost uncounted. */
static void test_hostile_names(void **state)
{
	uint64_t written = 0, counted = 0, lines = 0;
	struct log_causes c;
	struct log_cause over;
	char line[64];

	(void)state;
	log_causes_init(&c);
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 3; k++, lines++) {
			snprintf(line, sizeof line, "name-%d", i);
			written += log_causes_note(&c, 1, line, i, &over);
			counted += over.first ? over.more : 0;
			free(over.first);
		}
	}
	while (log_causes_next_over(&c, INT64_MAX, &over)) {
		counted += over.more;
		free(over.first);
	}
	assert_int_equal(written, 1000);
	assert_int_equal(written + counted, lines);
	log_causes_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_alike),
		cmocka_unit_test(test_levels_differ),
		cmocka_unit_test(test_one_in_a_minute),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
