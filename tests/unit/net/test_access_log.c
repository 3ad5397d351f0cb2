/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/access_log.h"
#include "util/io.h"

struct fixture {
	char directory[64], path[80];
	struct access_log *log;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	struct trouble t = {0};

	strcpy(x->directory, "/tmp/cairn-test-XXXXXX");
	assert_non_null(mkdtemp(x->directory));
	snprintf(x->path, sizeof x->path, "%s/log", x->directory);
	assert_int_equal(access_log_open(x->path, &x->log, &t), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	access_log_close(x->log);
	unlink(x->path);
	rmdir(x->directory);
	free(x);
	return 0;
}

static void assert_text(const struct fixture *x, const char *want)
{
	struct bytes text = {0};

	assert_int_equal(io_read_file(AT_FDCWD, x->path, 1u << 20, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	assert_string_equal((const char *)text.data, want);
	bytes_release(&text);
}

static struct access_line line_of(const struct sockaddr_in *address, const char *url)
{
	return (struct access_line){.address = (const struct sockaddr *)address,
		.method = "GET",
		.url = url,
		.version = "HTTP/1.1",
		.status = 200,
		.size = 10,
		.whole = true,
		.seconds = 1795747289};
}

static void test_lines(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct access_line line = line_of(&address, "/manifest.json");
	struct fixture *x = *state;

	inet_pton(AF_INET, "192.0.2.7", &address.sin_addr);
	access_log_write(x->log, &line);
	line.whole = false;
	line.address = NULL;
	access_log_write(x->log, &line);
	assert_text(x, "192.0.2.7 - - [27/Nov/2026:02:41:29 +0000] \"GET /manifest.json "
		       "HTTP/1.1\" 200 10\n"
		       "- - - [27/Nov/2026:02:41:29 +0000] \"GET /manifest.json HTTP/1.1\" "
		       "200 -\n");
}

static void test_hostile(void **state)
{
	struct fixture *x = *state;
	struct access_line line = line_of(NULL, "/a\" 200 1\n\\\x1b[2J\xc3\xa9");

	access_log_write(x->log, &line);
	assert_text(x,
		"- - - [27/Nov/2026:02:41:29 +0000] \"GET /a\\x22 200 1\\x0a\\x5c\\x1b[2J"
		"\\xc3\\xa9 HTTP/1.1\" 200 10\n");
}

static void test_reopen(void **state)
{
	struct fixture *x = *state;
	struct access_line line = line_of(NULL, "/a");
	struct trouble t = {0};
	char moved[96];

	access_log_write(x->log, &line);
	snprintf(moved, sizeof moved, "%s.1", x->path);
	assert_int_equal(rename(x->path, moved), 0);
	assert_int_equal(access_log_reopen(x->log, &t), 0);
	assert_text(x, "");
	unlink(moved);
	/* It cannot be opened: the old one goes on. */
	unlink(x->path);
	assert_int_equal(mkdir(x->path, 0700), 0);
	assert_int_not_equal(access_log_reopen(x->log, &t), 0);
	assert_non_null(strstr(t.text, x->path));
	access_log_write(x->log, &line);
	rmdir(x->path);
}

/* The server waits neither for somebody to read it nor for who reads no more. */
static void test_fifo(void **state)
{
	struct fixture *x = *state;
	struct access_line line = line_of(NULL, "/a");
	struct trouble t = {0};
	struct access_log *log;
	char text[32];
	int reader;

	unlink(x->path);
	assert_int_equal(mkfifo(x->path, 0600), 0);
	alarm(60); /* else it would be for ever */
	assert_int_not_equal(access_log_open(x->path, &log, &t), 0);
	assert_non_null(strstr(t.text, "nobody reads"));
	reader = open(x->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(access_log_open(x->path, &log, &t), 0);
	for (unsigned i = 0; i < 5000; i++)
		access_log_write(log, &line);
	alarm(0);
	assert_int_equal(read(reader, text, 5), 5);
	assert_memory_equal(text, "- - -", 5);
	close(reader);
	access_log_close(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_hostile),
		TEST(test_reopen),
		TEST(test_fifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
