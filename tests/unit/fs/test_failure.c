/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/failure.h"
#include "util/io.h"

static void test_errno_of_errors(void **state)
{
	(void)state;
	assert_int_equal(failure_errno(ERR_ABSENT), EIO);
	assert_int_equal(failure_errno(ERR_CORRUPT), EIO);
	assert_int_equal(failure_errno(ERR_TIMEOUT), ETIMEDOUT);
	assert_int_equal(failure_errno(ERR_UNREACHABLE), ENETUNREACH);
	assert_int_equal(failure_errno(ERR_DENIED), EACCES);
	assert_int_equal(failure_errno(ERR_NO_MEMORY), ENOMEM);
	assert_int_equal(failure_errno(ERR_NO_SPACE), EIO);
	assert_int_equal(failure_errno(ERR_INTERRUPTED), EINTR);
}

/* Whatever comes, the kernel gets an errno that it takes. */
static void test_errno_is_never_zero(void **state)
{
	(void)state;
	for (int error = -200; error <= 1; error++) {
		assert_true(failure_errno(error) > 0);
		assert_true(failure_errno(error) < 1000);
	}
}

struct logged {
	char path[64];
	struct log *log;
	struct failures failures;
	struct bytes text;
};

static int open_log(void **state)
{
	struct logged *l = calloc(1, sizeof *l);
	int fd;

	strcpy(l->path, "/tmp/cairn-failure-XXXXXX");
	fd = mkstemp(l->path);
	if (fd < 0)
		return -1;
	close(fd);
	l->log = log_new_file(LOG_LEVEL_WARNING, l->path);
	failures_init(&l->failures, l->log);
	*state = l;
	return l->log ? 0 : -1;
}

static int close_log(void **state)
{
	struct logged *l = *state;

	failures_release(&l->failures);
	log_free(l->log);
	unlink(l->path);
	bytes_release(&l->text);
	free(l);
	return 0;
}

static const char *text_of(struct logged *l)
{
	bytes_clear(&l->text);
	assert_int_equal(io_read_file(AT_FDCWD, l->path, 1 << 20, &l->text), 0);
	assert_int_equal(bytes_append(&l->text, "", 1), 0);
	return (const char *)l->text.data;
}

static void test_one_line_tells_what_and_why(void **state)
{
	struct logged *l = *state;
	struct trouble t = {0}, last;

	failures_last(&l->failures, &last);
	assert_int_equal(last.code, 0);
	trouble_set(&t, ERR_TIMEOUT, "https://x/blobs/ab: no answer");
	failures_note(&l->failures, "read", span_of_string("a/b"), ERR_TIMEOUT, &t);
	assert_non_null(strstr(text_of(l), "read of /a/b: https://x/blobs/ab: no answer"));
	failures_last(&l->failures, &last);
	assert_int_equal(last.code, ERR_TIMEOUT);
	assert_string_equal(last.text, t.text);
	failures_note(&l->failures, "lookup", span_of_string(NULL), ERR_CORRUPT, NULL);
	assert_non_null(strstr(text_of(l), error_text(ERR_CORRUPT)));
}

static void test_a_flood_is_cut(void **state)
{
	struct logged *l = *state;
	size_t lines = 0;

	for (int i = 0; i < 10000; i++)
		failures_note(&l->failures, "read", span_of_string("x"), ERR_IO, NULL);
	for (const char *at = text_of(l); (at = strchr(at, '\n')); at++)
		lines++;
	assert_in_range(lines, 1, 100);
}

/* However many wait for a server that is away, and whatever for. */
static void test_an_outage_is_one_line(void **state)
{
	struct logged *l = *state;
	const char *first;

	for (int i = 0; i < 1000; i++) {
		failures_note(&l->failures, "read", span_of_string("a"), ERR_TIMEOUT, NULL);
		failures_note(
			&l->failures, "read", span_of_string("b"), ERR_UNREACHABLE, NULL);
	}
	first = strstr(text_of(l), "read of /a: ");
	assert_non_null(first);
	assert_null(strstr(first + 1, "read of"));
	failures_note(&l->failures, "read", span_of_string("c"), ERR_CORRUPT, NULL);
	assert_non_null(strstr(text_of(l), "read of /c: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errno_of_errors),
		cmocka_unit_test(test_errno_is_never_zero),
		cmocka_unit_test_setup_teardown(
			test_one_line_tells_what_and_why, open_log, close_log),
		cmocka_unit_test_setup_teardown(
			test_an_outage_is_one_line, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_a_flood_is_cut, open_log, close_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
