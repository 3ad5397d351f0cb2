/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/entry_text.h"
#include "unit/entry_samples.h"
#include "format/json.h"
#include "format/names.h"

static void mode_is(enum entry_type type, unsigned mode, const char *want)
{
	struct entry e = {.type = type, .mode = (uint16_t)mode};
	char text[MODE_TEXT];

	mode_text(&e, text);
	assert_string_equal(text, want);
}

/* As ls(1) writes them. */
static void test_modes(void **state)
{
	(void)state;
	mode_is(ENTRY_FILE, 0644, "-rw-r--r--");
	mode_is(ENTRY_FILE, 0, "----------");
	mode_is(ENTRY_DIRECTORY, 01777, "drwxrwxrwt");
	mode_is(ENTRY_DIRECTORY, 01776, "drwxrwxrwT");
	mode_is(ENTRY_FILE, 04755, "-rwsr-xr-x");
	mode_is(ENTRY_FILE, 06644, "-rwSr-Sr--");
	mode_is(ENTRY_FILE, 02755, "-rwxr-sr-x");
	mode_is(ENTRY_SYMLINK, 0777, "lrwxrwxrwx");
	mode_is(ENTRY_CHARACTER, 0600, "crw-------");
	mode_is(ENTRY_BLOCK, 0660, "brw-rw----");
	mode_is(ENTRY_FIFO, 0600, "prw-------");
	mode_is(ENTRY_SOCKET, 0755, "srwxr-xr-x");
}

static void test_times(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	time_text(1795414441, 123456789, text);
	assert_string_equal(text, "2026-11-23 06:14:01.123456789 +0000");
	time_text(0, 0, text);
	assert_string_equal(text, "1970-01-01 00:00:00.000000000 +0000");
	time_text(-1, 999999999, text);
	assert_string_equal(text, "1969-12-31 23:59:59.999999999 +0000");
	/* Years that no calendar has. */
	time_text(INT64_MAX, 5, text);
	assert_string_equal(text, "@9223372036854775807.000000005");
	time_text(INT64_MIN, 999999999, text);
	assert_string_equal(text, "@-9223372036854775808.999999999");
}

static void test_names_to_a_pipe_are_raw(void **state)
{
	static const char name[] = "a\n\x1b[31m\xff\xc3\xa4";
	char buffer[64] = "";
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	put_name(f, span_of(name, sizeof name - 1));
	rewind(f);
	assert_int_equal(fread(buffer, 1, sizeof buffer, f), sizeof name - 1);
	assert_memory_equal(buffer, name, sizeof name - 1);
	fclose(f);
}

static void test_types_have_names(void **state)
{
	(void)state;
	assert_string_equal(type_text(ENTRY_FILE), "file");
	assert_string_equal(type_text(ENTRY_SOCKET), "socket");
	assert_string_equal(type_text((enum entry_type)0), "unknown");
}

static void path_is(const char *parent, const char *name, const char *want)
{
	struct entry e = {.parent = span_of_string(parent), .name = span_of_string(name)};
	char *path = entry_path_text(&e);

	assert_string_equal(path, want);
	free(path);
}

static void test_paths(void **state)
{
	(void)state;
	path_is("", "", "");
	path_is("", "a", "a");
	path_is("a/b", "c", "a/b/c");
}

static void test_json_of_a_symlink(void **state)
{
	struct entry e = {.parent = span_of_string("d"),
		.name = span_of_string("\xff"),
		.type = ENTRY_SYMLINK,
		.mode = 0777,
		.size = 3,
		.links = 1,
		.inode = 42,
		.mtime = -5,
		.mtime_nsec = 7,
		.target = span_of_string("x/y")};
	json_t *o = entry_json(&e);
	struct bytes text = {0};

	(void)state;
	assert_non_null(o);
	assert_int_equal(json_canonical(o, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	assert_string_equal((char *)text.data,
		"{\"gid\":0,\"inode\":42,\"links\":1,\"mode\":\"0777\",\"mtime\":-5,"
		"\"mtime_nsec\":7,\"path\":{\"base64\":\"ZC//\"},\"size\":3,"
		"\"target\":\"x/y\",\"type\":\"symlink\",\"uid\":0}");
	bytes_release(&text);
	json_decref(o);
}

/* Every kind of entry becomes JSON with what belongs to its kind. */
static void test_json_of_all_kinds(void **state)
{
	struct samples *s = samples_new(3, 2000);

	(void)state;
	for (size_t i = 0; i < s->count; i++) {
		const struct entry *e = &s->entries[i];
		json_t *o = entry_json(e);

		assert_non_null(o);
		assert_int_equal(
			json_object_get(o, "target") != NULL, e->type == ENTRY_SYMLINK);
		assert_int_equal(json_object_get(o, "major") != NULL,
			e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK);
		assert_int_equal(
			json_object_get(o, "data_bytes") != NULL, e->type == ENTRY_FILE);
		assert_int_equal(json_object_get(o, "sha256") != NULL, e->has_content);
		assert_int_equal(json_object_get(o, "xattrs") != NULL, e->xattrs.size > 0);
		json_decref(o);
	}
	samples_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_names_to_a_pipe_are_raw),
		cmocka_unit_test(test_types_have_names),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_json_of_a_symlink),
		cmocka_unit_test(test_json_of_all_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
