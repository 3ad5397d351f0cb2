/* SPDX-License-Identifier: MIT */
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

#include "fs/mountpoint.h"

struct place {
	char directory[64], empty[96], file[96], full[96], inside[128];
};

static int make(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	int fd;

	strcpy(p->directory, "/tmp/cairn mountpoint-XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	snprintf(p->empty, sizeof p->empty, "%s/empty", p->directory);
	snprintf(p->file, sizeof p->file, "%s/file", p->directory);
	snprintf(p->full, sizeof p->full, "%s/full", p->directory);
	snprintf(p->inside, sizeof p->inside, "%s/x", p->full);
	fd = open(p->file, O_CREAT | O_WRONLY, 0600);
	*state = p;
	return fd < 0 || close(fd) || mkdir(p->empty, 0700) || mkdir(p->full, 0700) ||
	       mkdir(p->inside, 0700);
}

static int clean(void **state)
{
	struct place *p = *state;

	rmdir(p->inside);
	rmdir(p->full);
	rmdir(p->empty);
	unlink(p->file);
	rmdir(p->directory);
	free(p);
	return 0;
}

static void an_empty_directory_will_do(void **state)
{
	struct place *p = *state;
	struct trouble t = {0};
	char *resolved = NULL;
	char around[128];

	snprintf(around, sizeof around, "%s/../empty/", p->full);
	assert_int_equal(mountpoint_check(around, false, &resolved, &t), 0);
	assert_string_equal(resolved, p->empty);
	free(resolved);
}

static void what_cannot_be_is_told(void **state)
{
	struct place *p = *state;
	struct trouble t = {0};
	char *resolved = NULL;
	char none[128];

	snprintf(none, sizeof none, "%s/none", p->directory);
	assert_int_equal(mountpoint_check(none, false, &resolved, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, none));
	assert_int_equal(mountpoint_check(p->file, false, &resolved, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, p->file));
	assert_int_equal(mountpoint_check(p->full, false, &resolved, &t), ERR_BUSY);
	assert_non_null(strstr(t.text, "nonempty"));
	assert_null(resolved);
	assert_int_equal(mountpoint_check(p->full, true, &resolved, &t), 0);
	free(resolved);
}

static void only_our_mounts_are_unmounted(void **state)
{
	struct place *p = *state;
	struct trouble t = {0};

	assert_int_equal(mountpoint_unmount(p->empty, false, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, p->empty));
	assert_int_equal(mountpoint_unmount("/", false, &t), ERR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_directory_will_do, make, clean),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_told, make, clean),
		cmocka_unit_test_setup_teardown(only_our_mounts_are_unmounted, make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
