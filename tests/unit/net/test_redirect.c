/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/base_url.h"
#include "net/redirect.h"

#define FROM "https://a.test/dir/store/manifest.json"

static void check(const char *from, const char *location, enum redirect verdict,
	const char *url, const char *origin)
{
	struct redirect_target out = {0};

	if (redirect_resolve(from, location, &out) != verdict)
		fail_msg("%s: %s", from, location ? location : "none");
	if (!url) {
		assert_null(out.url);
		assert_null(out.origin);
		return;
	}
	if (strcmp(out.url, url) || strcmp(out.origin, origin))
		fail_msg("%s: %s (%s)", location, out.url, out.origin);
	redirect_target_release(&out);
	assert_null(out.url);
}

static void test_followed(void **state)
{
	static const struct {
		const char *location, *url, *origin;
	} cases[] = {
		{"https://b.test/x", "https://b.test/x", "https://b.test:443"},
		{"HTTPS://B.Test:443/x", NULL, "https://b.test:443"},
		{"https://b.test:444/x?y=z", "https://b.test:444/x?y=z",
			"https://b.test:444"},
		{"//b.test/x", "https://b.test/x", "https://b.test:443"},
		{"/x", "https://a.test/x", "https://a.test:443"},
		{"x", "https://a.test/dir/store/x", "https://a.test:443"},
		{"../x", "https://a.test/dir/x", "https://a.test:443"},
		{"../../../../x", NULL, "https://a.test:443"},
		{"?signature=1", "https://a.test/dir/store/manifest.json?signature=1",
			"https://a.test:443"},
		{"https://b.test/x#fragment", "https://b.test/x", "https://b.test:443"},
		{"https://user:word@b.test/x", "https://b.test/x", "https://b.test:443"},
		{"/a b", "https://a.test/a%20b", "https://a.test:443"},
		{"https://[::1]:8/x", "https://[::1]:8/x", "https://[::1]:8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct redirect_target out = {0};

		if (redirect_resolve(FROM, cases[i].location, &out))
			fail_msg("%s", cases[i].location);
		if (cases[i].url && strcmp(out.url, cases[i].url))
			fail_msg("%s: %s", cases[i].location, out.url);
		assert_string_equal(out.origin, cases[i].origin);
		redirect_target_release(&out);
	}
	check("http://a.test/x", "https://a.test/x", REDIRECT_GOOD, "https://a.test/x",
		"https://a.test:443");
	check("http://a.test/x", "http://b.test:81/x", REDIRECT_GOOD, "http://b.test:81/x",
		"http://b.test:81");
}

static void test_not_followed(void **state)
{
	static const char *const schemes[] = {"file:///etc/passwd", "ftp://b.test/x",
		"FILE:///x", "gopher://b.test/", "javascript://b.test/%0a"};
	static const char *const none[] = {
		"https://", "https://b.test:99999/", "https://b c/", "https://[::1/x"};
	char *longest = malloc(2 * URL_SIZE_MAX);

	(void)state;
	check(FROM, NULL, REDIRECT_NOWHERE, NULL, NULL);
	check(FROM, "", REDIRECT_NOWHERE, NULL, NULL);
	check(FROM, "http://a.test/x", REDIRECT_INSECURE, NULL, NULL);
	check(FROM, "HTTP://a.test/x", REDIRECT_INSECURE, NULL, NULL);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		check(FROM, schemes[i], REDIRECT_SCHEME, NULL, NULL);
		check("http://a.test/", schemes[i], REDIRECT_SCHEME, NULL, NULL);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		check(FROM, none[i], REDIRECT_NO_URL, NULL, NULL);
	memset(longest, 'a', 2 * URL_SIZE_MAX);
	longest[URL_SIZE_MAX] = '\0';
	check(FROM, longest, REDIRECT_NO_URL, NULL, NULL);
	free(longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
