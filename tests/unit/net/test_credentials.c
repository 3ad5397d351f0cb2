/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/client_key.h"
#include "net/credentials.h"
#include "util/io.h"

/* What a token does on the wire is test_fetcher's business. */

static char directory[64];

static int make(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/cairn-test-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int clean(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	return system(command);
}

static char *file_with(const char *text, size_t size)
{
	char path[96];

	snprintf(path, sizeof path, "%s/file", directory);
	assert_int_equal(io_replace_file(AT_FDCWD, path, span_of(text, size), 0600, 0), 0);
	return strdup(path);
}

static void test_nothing(void **state)
{
	struct credentials c;
	CURL *handle = curl_easy_init();

	(void)state;
	credentials_init(&c);
	assert_int_equal(credentials_check(&c, NULL), 0);
	assert_int_equal(credentials_apply(&c, NULL, handle), 0);
	assert_int_equal(credentials_apply_public(&c, handle), 0);
	credentials_release(&c);
	curl_easy_cleanup(handle);
}

static void test_missing(void **state)
{
	struct credentials c;
	char **const fields[] = {&c.cacert, &c.client_cert, &c.client_key, &c.bearer_file};

	(void)state;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		struct trouble t = {0};

		credentials_init(&c);
		*fields[i] = strdup("/nonexistent/file.pem");
		assert_int_equal(credentials_check(&c, &t), ERR_ABSENT);
		assert_non_null(strstr(t.text, "/nonexistent/file.pem"));
		assert_int_equal(credentials_check(&c, NULL), ERR_ABSENT);
		credentials_release(&c);
		assert_null(*fields[i]);
	}
}

static void test_tokens(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		int error;
	} cases[] = {
		{"token", 5, 0},
		{"token\n", 6, 0},
		{"token \r\n", 8, 0},
		{"token\nmore", 10, 0},
		{"a.b-c_d~e+f/g==\n", 16, 0},
		{"", 0, ERR_INVALID},
		{"\n", 1, ERR_INVALID},
		{"\ntoken", 6, ERR_INVALID},
		{"to ken", 6, ERR_INVALID},
		{"tok\ren\n", 7, ERR_INVALID},
		{"tok\0en", 6, ERR_INVALID},
		{"tok\xc3\xa9n", 6, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct credentials c;
		struct trouble t = {0};

		credentials_init(&c);
		c.bearer_file = file_with(cases[i].text, cases[i].size);
		assert_int_equal(credentials_check(&c, &t), cases[i].error);
		if (cases[i].error)
			assert_non_null(strstr(t.text, c.bearer_file));
		credentials_release(&c);
	}
}

/* It would wait for a writer. */
static void test_fifo(void **state)
{
	struct credentials c;
	char **const fields[] = {&c.cacert, &c.client_cert, &c.client_key, &c.bearer_file};
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(60); /* else it would be for ever */
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		struct trouble t = {0};

		credentials_init(&c);
		*fields[i] = strdup(path);
		assert_int_equal(credentials_check(&c, &t), ERR_INVALID);
		assert_non_null(strstr(t.text, "regular file"));
		assert_non_null(strstr(t.text, path));
		credentials_release(&c);
	}
	assert_false(client_key_is_encrypted(path));
	alarm(0);
}

static void test_long_token(void **state)
{
	struct credentials c;
	char *text = malloc(70000);

	(void)state;
	memset(text, 'a', 70000);
	credentials_init(&c);
	c.bearer_file = file_with(text, 70000);
	assert_int_equal(credentials_check(&c, NULL), ERR_LIMIT);
	credentials_release(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_long_token),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
