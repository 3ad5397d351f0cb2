/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/ignore_pattern.h"

/* Does `pattern` match `path`, a directory if it ends with a slash? */
static bool matches(const char *pattern, const char *path)
{
	char *text = strdup(pattern), *copy = strdup(path);
	size_t size = strlen(copy);
	bool directory = copy[size - 1] == '/', found;
	struct ignore_pattern p;

	if (directory)
		copy[size - 1] = '\0';
	found = ignore_pattern_parse(text, true, &p) &&
		ignore_pattern_matches(&p, copy, directory);
	free(text);
	free(copy);
	return found;
}

static bool leads(const char *pattern, const char *path)
{
	char *text = strdup(pattern);
	struct ignore_pattern p;
	bool found = ignore_pattern_parse(text, false, &p) &&
		     ignore_pattern_leads(&p, path);

	free(text);
	return found;
}

static void test_names_and_paths(void **state)
{
	(void)state;
	assert_true(matches("x.o", "x.o"));
	assert_true(matches("*.o", "a/b/x.o"));
	assert_false(matches("*.o", "a.o/x"));
	assert_true(matches("/build", "build"));
	assert_false(matches("/build", "a/build"));
	assert_true(matches("src/*.c", "src/x.c"));
	assert_false(matches("src/*.c", "a/src/x.c"));
	assert_false(matches("src/*.c", "src/a/x.c"));
	assert_true(matches("a?c", "abc"));
	assert_false(matches("a?/c", "a//c"));
}

static void test_directories_alone(void **state)
{
	(void)state;
	assert_true(matches("build/", "a/build/"));
	assert_false(matches("build/", "build"));
	assert_true(matches("/a/b/", "a/b/"));
	assert_false(matches("a/b/", "c/a/b/"));
}

static void test_two_asterisks(void **state)
{
	(void)state;
	assert_true(matches("**/x", "x"));
	assert_true(matches("**/x", "a/b/x"));
	assert_false(matches("**/x", "a/bx"));
	assert_true(matches("a/**/b", "a/b"));
	assert_true(matches("a/**/b", "a/x/y/b"));
	assert_false(matches("a/**/b", "a/x/yb"));
	assert_true(matches("a/**", "a/x/y"));
	assert_false(matches("a/**", "a/"));
	assert_true(matches("**/a/**/b*c/d", "x/a/a/y/bc/bxc/d"));
	assert_false(matches("x/a**b", "x/a/b"));
	assert_true(matches("x/a**b", "x/ayb"));
	assert_true(matches("/**", "a/b"));
}

static void test_brackets_and_backslashes(void **state)
{
	(void)state;
	assert_true(matches("[a-c]x", "bx"));
	assert_false(matches("[!a-c]x", "bx"));
	assert_true(matches("[^a-c]x", "dx"));
	assert_true(matches("[]]", "]"));
	assert_true(matches("[a-]", "-"));
	assert_true(matches("[[:digit:]]", "7"));
	assert_false(matches("a/b[/]c", "a/b/c"));
	assert_true(matches("\\*", "*"));
	assert_false(matches("\\*", "x"));
	assert_true(matches("\\!x", "!x"));
	assert_true(matches("a\\b", "ab"));
}

static void test_what_can_match_nothing(void **state)
{
	struct ignore_pattern p;
	char texts[][8] = {"", "/", "!", "!/", "a[b", "a\\", "[!"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(ignore_pattern_parse(texts[i], true, &p));
}

static void test_negation(void **state)
{
	struct ignore_pattern p;
	char text[] = "!a/b/", again[] = "!a";

	(void)state;
	assert_true(ignore_pattern_parse(text, true, &p));
	assert_true(p.negated && p.directory && !p.anywhere);
	assert_string_equal(p.glob, "a/b");
	assert_true(ignore_pattern_parse(again, false, &p));
	assert_false(p.negated);
	assert_string_equal(p.glob, "!a");
}

static void test_leads(void **state)
{
	(void)state;
	assert_true(leads("/a/b/c", "a"));
	assert_true(leads("a/b/c", "a/b"));
	assert_false(leads("a/b/c", "a/b/c"));
	assert_false(leads("a/b/c", "b"));
	assert_false(leads("a/b/c", "ab"));
	assert_true(leads("a*/b", "axx"));
	assert_true(leads("a/**/c", "a"));
	assert_true(leads("a/**/c", "a/x/y"));
	assert_false(leads("**/c", "a"));
	assert_false(leads("c", "a"));
}

/* Whoever tries all places of all asterisks is not done before the sun is out. */
static void test_takes_no_exponential_time(void **state)
{
	char pattern[256] = "", path[2048] = "";

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		strcat(pattern, "*a");
	strcat(pattern, "b");
	memset(path, 'a', 200);
	assert_false(matches(pattern, path));
	pattern[0] = path[0] = '\0';
	for (unsigned i = 0; i < 30; i++)
		strcat(pattern, "**/a/");
	strcat(pattern, "b");
	for (unsigned i = 0; i < 500; i++)
		strcat(path, "a/");
	strcat(path, "c");
	assert_false(matches(pattern, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_paths),
		cmocka_unit_test(test_directories_alone),
		cmocka_unit_test(test_two_asterisks),
		cmocka_unit_test(test_brackets_and_backslashes),
		cmocka_unit_test(test_what_can_match_nothing),
		cmocka_unit_test(test_negation),
		cmocka_unit_test(test_leads),
		cmocka_unit_test(test_takes_no_exponential_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
