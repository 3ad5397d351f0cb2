/* SPDX-License-Identifier: MIT */
/* The helper is a script of the test, found by the PATH as the real one is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fusermount.h"

struct helper {
	char directory[64], script[96], said[96], *path;
};

static int make(void **state)
{
	struct helper *h = calloc(1, sizeof *h);
	const char *path = getenv("PATH");

	strcpy(h->directory, "/tmp/cairn-helper-XXXXXX");
	if (!mkdtemp(h->directory))
		return -1;
	snprintf(h->script, sizeof h->script, "%s/" FUSERMOUNT, h->directory);
	snprintf(h->said, sizeof h->said, "%s/said", h->directory);
	h->path = strdup(path ? path : "/usr/bin:/bin");
	*state = h;
	return 0;
}

static int clean(void **state)
{
	struct helper *h = *state;

	setenv("PATH", h->path, 1);
	unlink(h->script);
	unlink(h->said);
	rmdir(h->directory);
	free(h->path);
	free(h);
	return 0;
}

/* It notes its arguments, each in brackets, and ends with `rest`. */
static void write_script(struct helper *h, const char *rest)
{
	char path[4096];
	FILE *f = fopen(h->script, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nfor a; do printf '[%%s]' \"$a\"; done >'%s'\n%s\n", h->said,
		rest);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(h->script, 0700), 0);
	snprintf(path, sizeof path, "%s:%s", h->directory, h->path);
	setenv("PATH", path, 1);
}

static void assert_said(struct helper *h, const char *expected)
{
	char text[256] = "";
	FILE *f = fopen(h->said, "r");

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	assert_string_equal(text, expected);
}

static void it_unmounts_just_that_path(void **state)
{
	char text[FUSERMOUNT_TEXT_MAX];
	struct helper *h = *state;

	write_script(h, "exit 0");
	assert_int_equal(fusermount_unmount("/a path", false, text), 0);
	assert_string_equal(text, "");
	assert_said(h, "[-u][--][/a path]");
	assert_int_equal(fusermount_unmount("/b", true, text), 0);
	assert_said(h, "[-u][-z][--][/b]");
}

static void its_reason_is_its_first_line(void **state)
{
	char text[FUSERMOUNT_TEXT_MAX];
	struct helper *h = *state;

	write_script(h, "echo 'it is busy' >&2; echo more >&2; echo out; exit 3");
	assert_int_equal(fusermount_unmount("/a", false, text), 3);
	assert_string_equal(text, "it is busy");
}

static void a_killed_helper_has_no_status(void **state)
{
	char text[FUSERMOUNT_TEXT_MAX];
	struct helper *h = *state;

	write_script(h, "kill -9 $$");
	assert_int_equal(fusermount_unmount("/a", false, text), -1);
	assert_string_equal(text, "");
}

static void no_helper_is_no_status(void **state)
{
	char text[FUSERMOUNT_TEXT_MAX] = "x";
	struct helper *h = *state;

	setenv("PATH", h->directory, 1);
	assert_int_equal(fusermount_unmount("/a", false, text), -1);
	assert_string_equal(text, "");
}

static void it_is_looked_for_in_the_path(void **state)
{
	struct helper *h = *state;

	write_script(h, "exit 0");
	assert_true(fusermount_is_there());
	setenv("PATH", h->directory, 1);
	assert_true(fusermount_is_there());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_unmounts_just_that_path, make, clean),
		cmocka_unit_test_setup_teardown(its_reason_is_its_first_line, make, clean),
		cmocka_unit_test_setup_teardown(a_killed_helper_has_no_status, make, clean),
		cmocka_unit_test_setup_teardown(no_helper_is_no_status, make, clean),
		cmocka_unit_test_setup_teardown(it_is_looked_for_in_the_path, make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
