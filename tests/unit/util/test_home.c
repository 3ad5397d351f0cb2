/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/home.h"

static void assert_directories(const char *config, const char *cache)
{
	char *found = home_config_directory();

	assert_string_equal(found, config);
	free(found);
	found = home_cache_directory();
	assert_string_equal(found, cache);
	free(found);
}

static void test_xdg_variables_come_first(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	setenv("XDG_CONFIG_HOME", "/x/conf", 1);
	setenv("XDG_CACHE_HOME", "/x/cache", 1);
	assert_directories("/x/conf/cairn", "/x/cache/cairn");
}

static void test_home_is_next(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_CACHE_HOME");
	assert_directories("/home/u/.config/cairn", "/home/u/.cache/cairn");
}

static void test_relative_and_empty_variables_are_ignored(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	setenv("XDG_CONFIG_HOME", "", 1);
	setenv("XDG_CACHE_HOME", "here/cache", 1);
	assert_directories("/home/u/.config/cairn", "/home/u/.cache/cairn");
}

static void test_without_home_there_is_a_place_too(void **state)
{
	char *config, *cache;

	(void)state;
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_CACHE_HOME");
	config = home_config_directory();
	cache = home_cache_directory();
	assert_int_equal(config[0], '/');
	assert_non_null(strstr(config, "/cairn"));
	assert_int_equal(cache[0], '/');
	if (geteuid() == 0)
		assert_string_equal(cache, "/var/cache/cairn");
	free(config);
	free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdg_variables_come_first),
		cmocka_unit_test(test_home_is_next),
		cmocka_unit_test(test_relative_and_empty_variables_are_ignored),
		cmocka_unit_test(test_without_home_there_is_a_place_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
