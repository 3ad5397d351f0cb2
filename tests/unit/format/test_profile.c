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

#include "format/profile.h"

static struct profile *decode(const char *text)
{
	struct profile *p = NULL;
	struct trouble t = {0};

	if (profile_decode(span_of_string(text), &p, &t))
		fail_msg("%s", t.text);
	return p;
}

static int decode_error(const char *text)
{
	struct trouble t = {0};
	struct profile *p;
	int rc = profile_decode(span_of_string(text), &p, &t);

	assert_true(rc < 0 && t.text[0]);
	return rc;
}

/* The canonical text, which has to be the same once more. */
static void assert_text(const char *from, const char *expected)
{
	struct profile *p = decode(from);
	struct bytes text = {0};
	size_t left = 1;

	for (int again = 0; again < 2; again++) {
		bytes_clear(&text);
		assert_int_equal(
			profile_encode(p, NULL, PROFILE_STORED_MAX, &text, &left), 0);
		assert_int_equal(left, 0);
		assert_int_equal(bytes_append(&text, "", 1), 0);
		assert_string_equal((char *)text.data, expected);
		profile_free(p);
		p = decode((char *)text.data);
	}
	profile_free(p);
	bytes_release(&text);
}

static void test_a_trace_is_one(void **state)
{
	(void)state;
	assert_text("{\"operation\":\"read\",\"path\":\"usr/bin/python3\",\"us\":12,"
		    "\"offset\":0,\"size\":4096,\"waited\":true}\n"
		    "{\"lost\":7}\n"
		    "{\"operation\":\"open\",\"path\":\"x\",\"size\":1}\n"
		    "\n"
		    "{\"path\":\"/etc/passwd\",\"size\":10}\n"
		    "{\"path\":\"usr/bin/python3\",\"offset\":4096,\"size\":100}\n",
		"{\"offset\":0,\"path\":\"usr/bin/python3\",\"size\":4196}\n"
		"{\"offset\":0,\"path\":\"etc/passwd\",\"size\":10}\n");
	assert_text("", "");
	assert_text("{\"path\":\"a\"}\n", "{\"offset\":0,\"path\":\"a\"}\n");
	assert_text("{\"offset\":0,\"path\":\"a\",\"size\":9}\n{\"offset\":900000,\"path\":"
		    "\"a\"}\n",
		"{\"offset\":0,\"path\":\"a\",\"size\":9}\n{\"offset\":900000,\"path\":"
		"\"a\"}\n");
}

static void test_reads_are_in_the_order_of_first_use(void **state)
{
	(void)state;
	assert_text("{\"path\":\"a\",\"offset\":9000000,\"size\":1}\n"
		    "{\"path\":\"b\",\"size\":1}\n"
		    "{\"path\":\"a\",\"offset\":0,\"size\":1}\n"
		    "{\"path\":\"c\",\"size\":0}\n"
		    "{\"path\":\"a\",\"offset\":8990000,\"size\":5}\n"
		    "{\"path\":\"b\",\"size\":1}\n",
		"{\"offset\":8990000,\"path\":\"a\",\"size\":10001}\n"
		"{\"offset\":0,\"path\":\"b\",\"size\":1}\n"
		"{\"offset\":0,\"path\":\"a\",\"size\":1}\n");
}

/* What lies between two others makes them one, where the first of them stood. */
static void test_a_read_joins_others(void **state)
{
	(void)state;
	assert_text("{\"path\":\"a\",\"offset\":400000,\"size\":1}\n"
		    "{\"path\":\"b\",\"size\":1}\n"
		    "{\"path\":\"a\",\"offset\":0,\"size\":1}\n"
		    "{\"path\":\"a\",\"offset\":100000,\"size\":200000}\n",
		"{\"offset\":0,\"path\":\"a\",\"size\":400001}\n"
		"{\"offset\":0,\"path\":\"b\",\"size\":1}\n");
}

/* Far reads of one file are that many, and then it is read through. */
static void test_many_reads_of_a_file_are_one(void **state)
{
	struct bytes text = {0};
	struct profile *p;
	char line[128];

	(void)state;
	for (unsigned i = 0; i <= PROFILE_FILE_READS_MAX; i++) {
		snprintf(line, sizeof line, "{\"path\":\"a\",\"offset\":%u,\"size\":1}\n",
			(i * 7 % 65) * 1000000);
		bytes_append_string(&text, line);
	}
	assert_int_equal(profile_decode(span_of_bytes(&text), &p, NULL), 0);
	assert_int_equal(profile_reads(p), 1);
	assert_int_equal(profile_read_at(p, 0).offset, 0);
	assert_int_equal(profile_read_at(p, 0).size, 64000001);
	profile_free(p);
	bytes_release(&text);
}

static void test_odd_names_go_through(void **state)
{
	(void)state;
	assert_text("{\"path\":{\"base64\":\"/w==\"},\"size\":1}\n",
		"{\"offset\":0,\"path\":{\"base64\":\"/w==\"},\"size\":1}\n");
	assert_text("{\"path\":\"a\\\"\\n\\u00e9\",\"size\":1}\n",
		"{\"offset\":0,\"path\":\"a\\\"\\n\xc3\xa9\",\"size\":1}\n");
}

static void test_refuses_what_is_none(void **state)
{
	static const char *const bad[] = {
		"not json\n",
		"[1]\n",
		"{\"path\":\"../etc/shadow\",\"size\":1}\n",
		"{\"path\":\"a//b\",\"size\":1}\n",
		"{\"path\":\"//a\",\"size\":1}\n",
		"{\"path\":\"\",\"size\":1}\n",
		"{\"path\":\"/\",\"size\":1}\n",
		"{\"path\":7,\"size\":1}\n",
		"{\"path\":\"a\",\"size\":-1}\n",
		"{\"path\":\"a\",\"size\":1.5}\n",
		"{\"path\":\"a\",\"size\":\"1\"}\n",
		"{\"path\":\"a\",\"size\":1,\"size\":2}\n",
		"{\"path\":\"a\",\"offset\":9223372036854775807,\"size\":1}\n",
		"{\"path\":\"a\",\"offset\":9223372036854775808}\n",
		"{\"path\":\"a\",\"size\":9223372036854775808}\n",
		"{\"path\":\"a\",\"size\":1} {}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(decode_error(bad[i]), ERR_CORRUPT);
}

/* A trace may have been ended within a line; a file of one such line is something else. */
static void test_the_last_line_may_be_cut_off(void **state)
{
	(void)state;
	assert_text("{\"path\":\"a\",\"size\":1}\n{\"path\":\"b\",",
		"{\"offset\":0,\"path\":\"a\",\"size\":1}\n");
	assert_int_equal(decode_error("{\"path\":\"b\","), ERR_CORRUPT);
}

static void test_has_limits(void **state)
{
	char *line = calloc(1, PROFILE_LINE_MAX + 64);
	struct bytes text = {0};
	struct trouble t = {0};
	struct profile *p;

	(void)state;
	memset(line, ' ', PROFILE_LINE_MAX + 1);
	memcpy(line, "{\"lost\":1}", 10);
	assert_int_equal(decode_error(line), ERR_LIMIT);
	for (unsigned i = 0; i <= PROFILE_FILES_MAX; i++) {
		snprintf(line, 64, "{\"path\":\"%u\",\"size\":1}\n", i);
		bytes_append_string(&text, line);
	}
	assert_int_equal(profile_decode(span_of_bytes(&text), &p, &t), ERR_LIMIT);
	assert_non_null(strstr(t.text, "line 65537 "));
	assert_int_equal(profile_decode(span_of(text.data, PROFILE_TEXT_MAX + 1), &p, &t),
		ERR_LIMIT);
	free(line);
	bytes_release(&text);
}

static void test_encodes_what_is_kept_and_has_room(void **state)
{
	static const bool keep[] = {true, false, true, true};
	struct profile *p = decode(
		"{\"path\":\"a\",\"size\":1}\n{\"path\":\"b\",\"size\":1}\n"
		"{\"path\":\"c\",\"size\":1}\n"
		"{\"path\":\"d\",\"size\":1}\n");
	struct bytes text = {0};
	size_t left;

	(void)state;
	assert_int_equal(profile_files(p), 4);
	assert_int_equal(profile_encode(p, keep, 80, &text, &left), 0);
	assert_int_equal(left, 1);
	assert_true(span_equal(span_of_bytes(&text),
		span_of_string("{\"offset\":0,\"path\":\"a\",\"size\":1}\n"
			       "{\"offset\":0,\"path\":\"c\",\"size\":1}\n")));
	profile_free(p);
	bytes_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_trace_is_one),
		cmocka_unit_test(test_reads_are_in_the_order_of_first_use),
		cmocka_unit_test(test_a_read_joins_others),
		cmocka_unit_test(test_many_reads_of_a_file_are_one),
		cmocka_unit_test(test_odd_names_go_through),
		cmocka_unit_test(test_refuses_what_is_none),
		cmocka_unit_test(test_the_last_line_may_be_cut_off),
		cmocka_unit_test(test_has_limits),
		cmocka_unit_test(test_encodes_what_is_kept_and_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
