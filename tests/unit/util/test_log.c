/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/bytes.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/log.h"
#include "unit/await.h"

#define STAMP_SIZE 21 /* the time and a space */

static int set_up(void **state)
{
	const char *base = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/cairn-log-XXXXXX", base ? base : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	*state = strdup(path);
	return 0;
}

static int tear_down(void **state)
{
	int rc = unlink(*state);

	free(*state);
	return rc;
}

/* The file's text; the caller frees. */
static char *read_log(const char *path)
{
	struct bytes b = {0};
	char *text;

	assert_int_equal(io_read_file(AT_FDCWD, path, 1 << 20, &b), 0);
	text = span_to_string(span_of_bytes(&b));
	bytes_release(&b);
	return text;
}

static void test_a_line_has_its_time_and_level(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_DEBUG, *state);
	char *text, stamp[STAMP_SIZE] = "";
	int64_t when;

	log_warning(log, "blob %s: %d bytes", "ab", 3);
	log_free(log);
	text = read_log(*state);
	assert_true(strlen(text) > STAMP_SIZE);
	memcpy(stamp, text, STAMP_SIZE - 1);
	assert_int_equal(clock_parse(stamp, &when), 0);
	assert_string_equal(text + STAMP_SIZE, "warning: blob ab: 3 bytes\n");
	free(text);
}

static void test_levels_filter(void **state)
{
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		struct log *log;
		int lines = 0;
		char *text;

		assert_int_equal(truncate(*state, 0), 0);
		log = log_new_file((enum log_level)level, *state);
		log_error(log, "a");
		log_warning(log, "b");
		log_notice(log, "c");
		log_info(log, "d");
		log_debug(log, "e");
		for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++)
			assert_true(log_takes(log, (enum log_level)l) == (l <= level));
		log_free(log);
		text = read_log(*state);
		for (char *at = text; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, level + 1);
		free(text);
	}
}

static void test_each_v_tells_more(void **state)
{
	(void)state;
	assert_int_equal(log_level_of(LOG_LEVEL_WARNING, 0), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_of(LOG_LEVEL_NOTICE, 0), LOG_LEVEL_NOTICE);
	assert_int_equal(log_level_of(LOG_LEVEL_NOTICE, 1), LOG_LEVEL_INFO);
	assert_int_equal(log_level_of(LOG_LEVEL_WARNING, 2), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_of(LOG_LEVEL_WARNING, 9), LOG_LEVEL_DEBUG);
	assert_false(log_takes(NULL, LOG_LEVEL_ERROR));
}

static void test_a_file_is_appended_to(void **state)
{
	char *text;

	for (int i = 0; i < 2; i++) {
		struct log *log = log_new_file(LOG_LEVEL_INFO, *state);

		log_info(log, "run %d", i);
		log_free(log);
	}
	text = read_log(*state);
	assert_non_null(strstr(text, " run 0\n"));
	assert_non_null(strstr(text, " run 1\n"));
	free(text);
}

static void test_nobody_forges_lines(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_INFO, *state);
	char *text;

	log_info(log, "name %s", "a\nerror: b\x1b[1m\r");
	log_free(log);
	text = read_log(*state);
	assert_string_equal(text + STAMP_SIZE, "name a?error: b?[1m?\n");
	free(text);
}

static void test_long_lines_are_cut(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_INFO, *state);
	char words[10000], *text;

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	log_info(log, "%s", words);
	log_info(log, "next");
	log_free(log);
	text = read_log(*state);
	assert_int_equal(strchr(text, '\n') - text, 2047 - 1);
	assert_non_null(strstr(text, " next\n"));
	free(text);
}

static void test_what_is_repeated_is_counted(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_DEBUG, *state);
	char *text, *second;

	for (int i = 0; i < 5; i++) {
		log_warning(log, "away");
		log_tick(log);
	}
	log_free(log);
	text = read_log(*state);
	assert_non_null(strstr(text, "warning: away\n"));
	second = strchr(text, '\n') + 1 + STAMP_SIZE;
	assert_string_equal(second, "warning: away (and 4 more like this)\n");
	free(text);
	assert_int_equal(truncate(*state, 0), 0);
	log = log_new_file(LOG_LEVEL_DEBUG, *state);
	log_debug(log, "all");
	log_debug(log, "all");
	log_free(log);
	text = read_log(*state);
	assert_string_equal(strchr(text, '\n') + 1 + STAMP_SIZE, "debug: all\n");
	free(text);
}

static void test_errno_is_kept(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_INFO, *state);

	errno = ENOTTY;
	log_info(log, "something");
	assert_int_equal(errno, ENOTTY);
	log_free(log);
}

static void test_no_log_is_silent(void **state)
{
	(void)state;
	log_error(NULL, "%s", "nobody");
	log_debug(NULL, "%s", "nobody");
	log_free(NULL);
}

static void test_a_file_that_cannot_be_opened(void **state)
{
	(void)state;
	errno = 0;
	assert_null(log_new_file(LOG_LEVEL_INFO, "/nonexistent/directory/log"));
	assert_int_equal(errno, ENOENT);
}

/* The real stderr goes to the file for a moment. */
static void test_stderr(void **state)
{
	struct log *log = log_new_stderr(LOG_LEVEL_INFO);
	int before = dup(STDERR_FILENO), fd = open(*state, O_WRONLY | O_APPEND);
	char *text;

	dup2(fd, STDERR_FILENO);
	log_error(log, "no such store");
	log_info(log, "done");
	dup2(before, STDERR_FILENO);
	close(before);
	close(fd);
	log_free(log);
	text = read_log(*state);
	assert_string_equal(text, "cairn: error: no such store\ncairn: done\n");
	free(text);
}

static void test_syslog_takes_lines(void **state)
{
	char ident[] = "cairn-test";
	struct log *log = log_new_syslog(LOG_LEVEL_WARNING, ident);

	(void)state;
	assert_non_null(log);
	memset(ident, 0, sizeof(ident)); /* it keeps its own copy */
	log_debug(log, "not said");
	log_free(log);
}

static void *write_lines(void *log)
{
	for (int i = 0; i < 200; i++)
		log_debug(log, "0123456789012345678901234567890123456789");
	return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
	struct log *log = log_new_file(LOG_LEVEL_DEBUG, *state);
	pthread_t threads[4];
	char *text, *save;
	int lines = 0;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_free(log);
	text = read_log(*state);
	for (char *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(strlen(line), STAMP_SIZE + strlen("debug: ") + 40);
		lines++;
	}
	assert_int_equal(lines, 800);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_line_has_its_time_and_level, set_up, tear_down),
		cmocka_unit_test(test_each_v_tells_more),
		cmocka_unit_test_setup_teardown(test_levels_filter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_file_is_appended_to, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_nobody_forges_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_lines_are_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_is_repeated_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errno_is_kept, set_up, tear_down),
		cmocka_unit_test(test_no_log_is_silent),
		cmocka_unit_test(test_a_file_that_cannot_be_opened),
		cmocka_unit_test_setup_teardown(test_stderr, set_up, tear_down),
		cmocka_unit_test(test_syslog_takes_lines),
		cmocka_unit_test_setup_teardown(
			test_threads_do_not_mix_lines, set_up, tear_down),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
