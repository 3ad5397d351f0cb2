/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/profile.h"

static int read_text(const char *text, struct profile *out)
{
	char path[] = "/tmp/cairn-profile-XXXXXX";
	struct trouble t = {0};
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = profile_read(path, out, &t);
	assert_true(!rc == !t.text[0]);
	unlink(path);
	return rc;
}

static void files_stand_in_the_order_of_their_first_use(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(read_text("{\"path\":\"b\",\"size\":1}\n{\"lost\":3}\n\n"
				   "{\"path\":\"a/c\"}\n{\"path\":\"b\"}\n"
				   "{\"path\":{\"base64\":\"/w==\"}}",
				 &p),
		0);
	assert_int_equal(p.count, 3);
	assert_string_equal(p.paths[0], "b");
	assert_string_equal(p.paths[1], "a/c");
	assert_string_equal(p.paths[2], "\xff");
	profile_release(&p);
	assert_int_equal(read_text("", &p), 0);
	assert_int_equal(p.count, 0);
	profile_release(&p);
}

static void what_is_no_trace_is_refused(void **state)
{
	struct profile p;
	struct trouble t = {0};

	(void)state;
	assert_int_equal(read_text("usr/bin/python\n", &p), ERR_CORRUPT);
	assert_int_equal(read_text("{\"path\":\"a\"}\n{\"path\":7}\n", &p), ERR_CORRUPT);
	assert_int_equal(read_text("{\"path\":{\"base64\":\"YQBi\"}}\n", &p), ERR_CORRUPT);
	assert_int_equal(profile_read("/nonexistent/trace", &p, &t), ERR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_stand_in_the_order_of_their_first_use),
		cmocka_unit_test(what_is_no_trace_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
