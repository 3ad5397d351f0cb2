/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/file_reader.h"
#include "util/clock.h"
#include "util/error.h"
#include "unit/await.h"

static atomic_uint hanging;
static atomic_bool released;

/* A file system whose server is gone: what is below "dead" takes until it is released. */
int stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "stat");
	if (strstr(path, "/dead/")) {
		hanging++;
		while (!released)
			usleep(1000);
		hanging--;
	}
	return real(path, st);
}

static void wake(void *arg)
{
	(void)arg;
}

static struct file_read *begin(struct file_reader *r, const char *place, const char *path)
{
	struct file_read *read = NULL;

	assert_int_equal(file_reader_begin(r, place, path, 4096, NULL, &read), 0);
	return read;
}

static void await(struct file_reader *r, struct file_read *read)
{
	struct file_read *done;

	AWAIT((done = file_reader_next(r)) != NULL);
	assert_ptr_equal(done, read);
	file_reader_end(r, done);
}

/* Two come at once where one thread has nothing to do: the first hangs, and the other need
 * not wait for it. */
static void test_one_that_hangs_holds_up_no_other(void **state)
{
	char path[32];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct file_reader *r = file_reader_new(wake, NULL);
		struct file_read *dead;

		assert_non_null(r);
		await(r, begin(r, "live", "/nothing"));
		usleep(2000); /* its thread goes to sleep */
		snprintf(path, sizeof path, "/dead/%d", i);
		dead = begin(r, "dead", path);
		await(r, begin(r, "live", "/nothing"));
		file_reader_end(r, dead);
		file_reader_free(r);
	}
	released = true;
	while (hanging > 0)
		usleep(1000);
	released = false;
}

/* Whoever gives up at once says nothing of the disk: the next one may have it read again.
 * After a while it does. */
static void test_haste_is_not_the_disk(void **state)
{
	struct file_reader *r = file_reader_new(wake, NULL);
	struct file_read *read;

	(void)state;
	read = begin(r, "dead", "/dead/one");
	AWAIT(hanging == 1);
	file_reader_end(r, read);
	read = begin(r, "dead", "/dead/one");
	AWAIT(hanging == 2);
	file_reader_end(r, read);
	usleep(1200000);
	assert_int_equal(
		file_reader_begin(r, "dead", "/dead/one", 4096, NULL, &read), ERR_TIMEOUT);
	file_reader_free(r);
	released = true;
	AWAIT(hanging == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_hangs_holds_up_no_other),
		cmocka_unit_test(test_haste_is_not_the_disk),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
