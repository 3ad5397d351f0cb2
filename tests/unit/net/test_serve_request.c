/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/serve_request.h"

#define HEX62 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		enum serve_kind kind;
	} cases[] = {
		{"manifest.json", SERVE_DOCUMENT},
		{"tags/v1.0.json", SERVE_DOCUMENT},
		{"tags/a.json", SERVE_DOCUMENT},
		{"tags/json.json", SERVE_DOCUMENT},
		{"revisions/1.json", SERVE_REVISION},
		{"revisions/9007199254740992.json", SERVE_REVISION},
		{"blobs/ab/" HEX62, SERVE_BLOB},
		{"", SERVE_NOTHING},
		{"/manifest.json", SERVE_NOTHING},
		{"manifest.json/", SERVE_NOTHING},
		{"Manifest.json", SERVE_NOTHING},
		{"manifest.json.tmp", SERVE_NOTHING},
		{"tags/.json", SERVE_NOTHING},
		{"tags/..json", SERVE_NOTHING},
		{"tags/.hidden.json", SERVE_NOTHING},
		{"tags/-x.json", SERVE_NOTHING},
		{"tags/../manifest.json", SERVE_NOTHING},
		{"tags/a/b.json", SERVE_NOTHING},
		{"tags/v1", SERVE_NOTHING},
		{"tags/", SERVE_NOTHING},
		{"tags", SERVE_NOTHING},
		{"revisions/0.json", SERVE_NOTHING},
		{"revisions/01.json", SERVE_NOTHING},
		{"revisions/-1.json", SERVE_NOTHING},
		{"revisions/.json", SERVE_NOTHING},
		{"revisions/1.json.tmp", SERVE_NOTHING},
		{"revisions/1.jso", SERVE_NOTHING},
		{"revisions/12345678901234567.json", SERVE_NOTHING},
		{"blobs/ab/" HEX62 "0", SERVE_NOTHING},
		{"blobs/abc/" HEX62, SERVE_NOTHING},
		{"blobs/a/b" HEX62, SERVE_NOTHING},
		{"blobs/AB/" HEX62, SERVE_NOTHING},
		{"blobs/../" HEX62, SERVE_NOTHING},
		{"blobs//ab/" HEX62, SERVE_NOTHING},
		{"blobs/ab", SERVE_NOTHING},
		{"blobs/ab/.." HEX62, SERVE_NOTHING},
		{"../manifest.json", SERVE_NOTHING},
		{"index.html", SERVE_NOTHING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (serve_path_kind(cases[i].path) != cases[i].kind)
			fail_msg("%s", cases[i].path);
	/* Whatever is left of a good name is none. */
	for (size_t size = 0; size < strlen("blobs/ab/" HEX62); size++) {
		char path[128];

		snprintf(path, sizeof path, "%.*s", (int)size, "blobs/ab/" HEX62);
		assert_int_equal(serve_path_kind(path), SERVE_NOTHING);
	}
}

static void test_long_tag(void **state)
{
	char path[5 + 128 + 5 + 2] = "tags/";

	(void)state;
	memset(path + 5, 'a', 128);
	strcpy(path + 5 + 128, ".json");
	assert_int_equal(serve_path_kind(path), SERVE_DOCUMENT);
	memset(path + 5, 'a', 129);
	strcpy(path + 5 + 129, ".json");
	assert_int_equal(serve_path_kind(path), SERVE_NOTHING);
}

static void test_etag(void **state)
{
	struct stat st = {.st_size = 5, .st_ino = 7}, other = st;
	char a[SERVE_ETAG_SIZE], b[SERVE_ETAG_SIZE];

	(void)state;
	serve_etag(SERVE_BLOB, "blobs/ab/" HEX62, &st, a);
	assert_string_equal(a, "\"ab" HEX62 "\"");
	serve_etag(SERVE_DOCUMENT, "manifest.json", &st, a);
	assert_int_equal(a[0], '"');
	assert_int_equal(a[strlen(a) - 1], '"');
	serve_etag(SERVE_DOCUMENT, "manifest.json", &other, b);
	assert_string_equal(a, b);
	other.st_ino++;
	serve_etag(SERVE_DOCUMENT, "manifest.json", &other, b);
	assert_string_not_equal(a, b);
	other = st;
	other.st_mtime++;
	serve_etag(SERVE_DOCUMENT, "manifest.json", &other, b);
	assert_string_not_equal(a, b);
	other = st;
	other.st_size++;
	serve_etag(SERVE_DOCUMENT, "manifest.json", &other, b);
	assert_string_not_equal(a, b);
}

static void test_etag_listed(void **state)
{
	(void)state;
	assert_true(serve_etag_listed("\"a\"", "\"a\""));
	assert_true(serve_etag_listed("*", "\"a\""));
	assert_true(serve_etag_listed(" W/\"a\" ", "\"a\""));
	assert_true(serve_etag_listed("\"b\", \"a,b\" ,W/\"a\"", "\"a\""));
	assert_true(serve_etag_listed("\"x\",\"a,b\"", "\"a,b\""));
	assert_false(serve_etag_listed("", "\"a\""));
	assert_false(serve_etag_listed("a", "\"a\""));
	assert_false(serve_etag_listed("\"aa\"", "\"a\""));
	assert_false(serve_etag_listed("\"b\",\"a", "\"a\""));
	assert_false(serve_etag_listed("w/\"a\"", "\"a\""));
	assert_false(serve_etag_listed(",,,", "\"a\""));
	assert_false(serve_etag_listed("\"b\" junk \"a\"", "\"a\""));
}

static void test_ranges(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		enum serve_range range;
		uint64_t offset, length;
	} cases[] = {
		{"bytes=0-0", 10, RANGE_PART, 0, 1},
		{"bytes=0-9", 10, RANGE_PART, 0, 10},
		{"bytes=3-", 10, RANGE_PART, 3, 7},
		{"bytes=3-100", 10, RANGE_PART, 3, 7},
		{"bytes=9-9", 10, RANGE_PART, 9, 1},
		{"bytes=-1", 10, RANGE_PART, 9, 1},
		{"bytes=-100", 10, RANGE_PART, 0, 10},
		{"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
		{"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=18446744073709551615-", 10, RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0},
		{NULL, 10, RANGE_WHOLE, 0, 0},
		{"", 10, RANGE_WHOLE, 0, 0},
		{"bytes=", 10, RANGE_WHOLE, 0, 0},
		{"bytes=-", 10, RANGE_WHOLE, 0, 0},
		{"bytes=5-3", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0-1x", 10, RANGE_WHOLE, 0, 0},
		{"bytes= 0-1", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0-0x1", 10, RANGE_WHOLE, 0, 0},
		{"bytes=+1-2", 10, RANGE_WHOLE, 0, 0},
		{"lines=0-1", 10, RANGE_WHOLE, 0, 0},
		{"bytes=18446744073709551616-", 10, RANGE_WHOLE, 0, 0},
		{"bytes=--5", 10, RANGE_WHOLE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t offset = 0, length = 0;
		enum serve_range r = serve_range_parse(
			cases[i].value, cases[i].size, &offset, &length);

		if (r != cases[i].range || offset != cases[i].offset ||
			length != cases[i].length)
			fail_msg("%s", cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_tag),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_etag_listed),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
