/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/keys.h"
#include "unit/trees.h"

static char *directory;
static struct trouble t;

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	directory = trees_new();
	setenv("XDG_CONFIG_HOME", directory, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

static void test_names_become_paths(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "a/b", "/etc/passwd", "../x"};
	char *path = keys_path("release", &t);

	(void)state;
	assert_string_equal(path, trees_path(directory, "cairn/keys/release.pem"));
	free(path);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(keys_path(bad[i], &t));
		assert_int_equal(t.code, ERR_INVALID);
	}
}

static void test_makes_a_key_once(void **state)
{
	struct private_key *made, *loaded;
	struct public_key a, b;
	char *path = keys_path("default", &t);
	struct stat st;

	(void)state;
	assert_int_equal(keys_load(path, &made, &t), ERR_ABSENT);
	assert_int_equal(keys_make(path, &made, &t), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(trees_path(directory, "cairn/keys"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(keys_load(path, &loaded, &t), 0);
	a = private_key_public(made);
	b = private_key_public(loaded);
	assert_true(public_key_equal(&a, &b));
	private_key_free(loaded);
	assert_int_equal(keys_make(path, &loaded, &t), ERR_EXISTS);
	assert_non_null(strstr(t.text, path));
	assert_int_equal(keys_load(path, &loaded, &t), 0);
	b = private_key_public(loaded);
	assert_true(public_key_equal(&a, &b));
	private_key_free(made);
	private_key_free(loaded);
	free(path);
}

static void test_a_key_that_others_can_read_is_not_used(void **state)
{
	struct private_key *key = NULL;
	char *path = keys_path("default", &t);

	(void)state;
	assert_int_equal(keys_make(path, &key, &t), 0);
	private_key_free(key);
	key = NULL;
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keys_load(path, &key, &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "chmod"));
	assert_null(key);
	free(path);
}

static void test_a_file_that_is_no_key(void **state)
{
	struct private_key *key = NULL;
	char path[512];

	(void)state;
	trees_text(directory, "x.pem", "-----BEGIN PRIVATE KEY-----\nno\n");
	snprintf(path, sizeof path, "%s/x.pem", directory);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(keys_load(path, &key, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, path));
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_int_equal(keys_load(path, &key, &t), ERR_LIMIT);
	assert_int_equal(chmod(path, 0700) || unlink(path) || mkdir(path, 0700), 0);
	assert_int_not_equal(keys_load(path, &key, &t), 0);
	assert_null(key);
}

static int note(void *ctx, const char *name, const char *path)
{
	assert_non_null(strstr(path, name));
	strcat(ctx, name);
	strcat(ctx, ";");
	return 0;
}

static void test_lists_keys(void **state)
{
	char seen[256] = "";

	(void)state;
	assert_int_equal(keys_each(note, seen, &t), 0);
	assert_string_equal(seen, "");
	trees_directory(directory, "cairn");
	trees_directory(directory, "cairn/keys");
	trees_text(directory, "cairn/keys/a.pem", "");
	trees_text(directory, "cairn/keys/.pem", "");
	trees_text(directory, "cairn/keys/.hidden.pem", "");
	trees_text(directory, "cairn/keys/notes.txt", "");
	assert_int_equal(keys_each(note, seen, &t), 0);
	assert_string_equal(seen, "a;");
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_become_paths),
		TEST(test_makes_a_key_once),
		TEST(test_a_key_that_others_can_read_is_not_used),
		TEST(test_a_file_that_is_no_key),
		TEST(test_lists_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
