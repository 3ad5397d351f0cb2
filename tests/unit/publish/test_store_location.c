/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/store_location.h"
#include "publish/store_open.h"
#include "unit/trees.h"

static void is(const char *given, bool is_url, const char *text)
{
	struct store_location l;
	struct trouble t = {0};

	if (store_location_find(given, &l, &t))
		fail_msg("%s", t.text);
	assert_int_equal(l.is_url, is_url);
	assert_string_equal(l.text, text);
	store_location_release(&l);
}

static void refused(const char *given, int code, const char *words)
{
	struct store_location l;
	struct trouble t = {0};

	assert_int_equal(store_location_find(given, &l, &t), code);
	assert_non_null(strstr(t.text, words));
}

static void test_paths(void **state)
{
	(void)state;
	is("/srv/store", false, "/srv/store");
	is("store", false, "store");
	is("./a:b", false, "./a:b");
	is("/srv/a:b", false, "/srv/a:b");
	is("dir/a:b//c", false, "dir/a:b//c");
}

static void test_urls(void **state)
{
	(void)state;
	is("https://host/path", true, "https://host/path");
	is("HTTP://host/path/manifest.json", true, "HTTP://host/path");
	is("file:///srv/a%20store", false, "/srv/a store");
	is("file://localhost/srv/store", false, "/srv/store");
	is("FILE:///srv/%41:b", false, "/srv/A:b");
	refused("file://srv/store", ERR_INVALID, "absolute");
	refused("file:///srv/%zz", ERR_INVALID, "%25");
	refused("file:///srv/%0", ERR_INVALID, "%25");
	refused("file:///srv/a%00b", ERR_INVALID, "%25");
}

static void test_what_is_nowhere(void **state)
{
	(void)state;
	refused("s3://bucket/x", ERR_UNSUPPORTED, "no stores at s3://");
	refused("gs://bucket", ERR_UNSUPPORTED, "no stores at gs://");
	refused("rsync+ssh://host/x", ERR_UNSUPPORTED, "rsync+ssh://");
	refused("host:path", ERR_UNSUPPORTED, "another machine");
	refused("user@host:/srv/store", ERR_UNSUPPORTED, "another machine");
	refused("host:", ERR_UNSUPPORTED, "\"./\"");
	refused("", ERR_INVALID, "empty");
}

/* A name with a colon in it is a path where it is there. */
static void test_colons(void **state)
{
	char *directory = trees_new(), *before = getcwd(NULL, 0);

	(void)state;
	trees_directory(directory, "host:path");
	trees_directory(directory, "s3:");
	assert_int_equal(chdir(directory), 0);
	is("host:path", false, "host:path");
	is("host:path/", false, "host:path/");
	is("./s3://bucket", false, "./s3://bucket");
	refused("s3://bucket", ERR_UNSUPPORTED, "s3://");
	assert_int_equal(chdir(before), 0);
	free(before);
	trees_remove(directory);
}

static void test_open(void **state)
{
	struct store_open_options options = {.access = STORE_MAKE};
	char *directory = trees_new(), *url;
	struct trouble t = {0};
	struct store *s;

	(void)state;
	assert_true(asprintf(&url, "file://%s/a%%20store", directory) > 0);
	assert_int_equal(store_open(url, &options, &s, &t), 0);
	assert_string_equal(store_name(s), trees_path(directory, "a store"));
	store_close(s);
	assert_int_equal(
		store_open("http://127.0.0.1:9/x", &options, &s, &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "can be read, but not written to"));
	options.access = STORE_READ;
	assert_int_equal(store_open("http://127.0.0.1:9/x", &options, &s, &t), 0);
	assert_string_equal(store_name(s), "http://127.0.0.1:9/x");
	assert_false(store_is_writable(s));
	store_close(s);
	assert_int_equal(store_open("s3://bucket", &options, &s, &t), ERR_UNSUPPORTED);
	free(url);
	trees_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_what_is_nowhere),
		cmocka_unit_test(test_colons),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
