/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset/url.h"
#include "net/base_url.h"

static void check(const char *given, const char *expected)
{
	struct trouble t = {0};
	char *url = NULL, *again = NULL;

	assert_int_equal(url_normalise(given, &url, &t), 0);
	assert_string_equal(url, expected);
	assert_int_equal(url_normalise(url, &again, &t), 0);
	assert_string_equal(again, expected);
	free(url);
	free(again);
}

static void one_spelling(void **state)
{
	(void)state;
	check("https://example.org/data", "https://example.org/data");
	check("HTTPS://Example.ORG/Data/", "https://example.org/Data");
	check("https://example.org", "https://example.org");
	check("https://example.org///", "https://example.org");
	check("https://example.org/a/manifest.json", "https://example.org/a");
	check("https://example.org/manifest.json", "https://example.org");
	check("https://example.org/a//manifest.json/", "https://example.org/a");
	check("https://example.org/amanifest.json", "https://example.org/amanifest.json");
	check("https://example.org:443/x", "https://example.org/x");
	check("https://example.org:443", "https://example.org");
	check("https://example.org/a/manifest.json/manifest.json", "https://example.org/a");
	check("https://[::1]:443/x", "https://[::1]/x");
	/* No URL, and not made one. */
	check("https://example.org:443:443/x", "https://example.org:443:443/x");
	check("http://example.org:80/x", "http://example.org/x");
	check("http://example.org:443/x", "http://example.org:443/x");
	check("https://[::1]:8443/", "https://[::1]:8443");
	check("file:///srv/store/", "file:///srv/store");
	check("file://LOCALHOST/srv/store", "file:///srv/store");
	check("/srv/store", "file:///srv/store");
	check("/srv/store/manifest.json", "file:///srv/store");
	check("/srv/with space/100%/\xc3\xa9?#",
		"file:///srv/with%20space/100%25/%C3%A9%3F%23");
	check("/", "file://");
}

static void refuse(const char *given)
{
	struct trouble t = {0};
	char *url = NULL;

	assert_int_equal(url_normalise(given, &url, &t), ERR_INVALID);
	assert_null(url);
	assert_true(t.text[0] != '\0');
}

static void no_url(void **state)
{
	char *endless = calloc(1, 100001);

	(void)state;
	refuse("");
	refuse("store");
	refuse("./store");
	refuse("example.org/data");
	refuse("ftp://example.org/");
	refuse("https://");
	refuse("https:///path");
	refuse("https://example.org/a b");
	refuse("https://example.org/a\nb");
	refuse("://x");
	memset(endless, 'a', 100000);
	memcpy(endless, "https://", 8);
	refuse(endless);
	free(endless);
}

/* A path grows as what is special in it is encoded; what comes out may be given as well. */
static void long_paths(void **state)
{
	struct trouble t = {0};
	char path[2048], *url, *again;

	(void)state;
	for (size_t size = 1300; size < sizeof path; size++) {
		memset(path, 0xe9, size);
		path[0] = '/';
		path[size] = '\0';
		if (url_normalise(path, &url, &t)) {
			assert_string_equal(t.text, "the URL is too long");
			assert_true(strlen("file:///") + 3 * (size - 1) >= URL_SIZE_MAX);
			return;
		}
		assert_int_equal(url_normalise(url, &again, &t), 0);
		assert_string_equal(url, again);
		free(url);
		free(again);
	}
	fail_msg("no path is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(no_url),
		cmocka_unit_test(long_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
