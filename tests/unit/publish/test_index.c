/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>

#include "publish/index.h"
#include "unit/trees.h"
#include "util/clock.h"
#include "util/io.h"

static char *directory;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

static struct index *open_it(void)
{
	struct index *x;
	struct trouble t;

	assert_int_equal(index_open(directory, "/a/store", "/a/source", NULL, &x, &t), 0);
	return x;
}

static struct digest number(unsigned i)
{
	return digest_of(&i, sizeof i);
}

static void put(struct index *x, unsigned i, const char *record)
{
	struct digest d = number(i);

	assert_int_equal(index_put(x, &d, span_of_string(record)), 0);
}

static bool has(struct index *x, unsigned i, const char *record)
{
	struct digest d = number(i);
	struct bytes found = {0};
	int rc = index_get(x, &d, &found);
	bool same = !rc && span_equal(span_of_bytes(&found), span_of_string(record));

	assert_true(rc == 0 || rc == ERR_ABSENT);
	assert_true(rc != 0 || same);
	bytes_release(&found);
	return same;
}

static void test_keeps_what_was_put(void **state)
{
	struct index *x = open_it();

	(void)state;
	assert_false(has(x, 1, "one"));
	put(x, 1, "one");
	put(x, 2, "");
	assert_true(has(x, 1, "one"));
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	x = open_it();
	assert_true(has(x, 1, "one"));
	assert_true(has(x, 2, ""));
	index_close(x);
}

/* What a publish neither used nor made is gone after it. */
static void test_drops_what_is_not_used(void **state)
{
	struct index *x = open_it();

	(void)state;
	put(x, 1, "one");
	put(x, 2, "two");
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	x = open_it();
	assert_true(has(x, 1, "one"));
	put(x, 3, "three");
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	x = open_it();
	assert_true(has(x, 1, "one"));
	assert_false(has(x, 2, "two"));
	assert_true(has(x, 3, "three"));
	index_close(x);
}

/* A publish that fails leaves its records beside those of the last one. */
static void test_a_failed_publish(void **state)
{
	struct index *x = open_it();

	(void)state;
	put(x, 1, "one");
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	x = open_it();
	put(x, 2, "two");
	index_close(x);
	x = open_it();
	assert_true(has(x, 1, "one"));
	assert_true(has(x, 2, "two"));
	index_close(x);
}

static void test_paths_are_kept_apart(void **state)
{
	struct index *x = open_it(), *y;
	struct trouble t;

	(void)state;
	put(x, 1, "one");
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	assert_int_equal(index_open(directory, "/a/stor", "e/a/source", NULL, &y, &t), 0);
	assert_false(has(y, 1, "one"));
	index_close(y);
}

/* More than the map holds at first: some may be lost, nothing else. */
static void test_grows(void **state)
{
	struct index *x = open_it();
	size_t size = 100000;
	char *record = malloc(size + 1);
	unsigned found = 0;

	(void)state;
	memset(record, 'r', size);
	record[size] = '\0';
	for (unsigned i = 0; i < 1000; i++)
		put(x, i, record);
	for (unsigned i = 0; i < 1000; i++)
		found += has(x, i, record);
	assert_true(found > 0);
	assert_true(has(x, 999, record));
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	x = open_it();
	assert_true(has(x, 999, record));
	index_close(x);
	free(record);
}

/* A byte of a record is flipped in the file: absent, not wrong. */
static void test_a_rotten_record(void **state)
{
	struct index *x = open_it();
	DIR *dir;
	struct dirent *d;
	char record[] = "a record that is long enough to be found again";

	(void)state;
	put(x, 1, record);
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	dir = opendir(directory);
	while ((d = readdir(dir))) {
		struct bytes text = {0};
		const char *path = trees_path(directory, d->d_name);
		int fd = open(path, O_RDWR);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		bytes_reserve(&text, (size_t)st.st_size);
		text.size = (size_t)pread(fd, text.data, (size_t)st.st_size, 0);
		for (size_t i = 0; i + sizeof record < text.size; i++)
			if (memcmp(text.data + i, record, sizeof record - 1) == 0)
				assert_int_equal(pwrite(fd, "A", 1, (off_t)i), 1);
		bytes_release(&text);
		close(fd);
	}
	closedir(dir);
	x = open_it();
	assert_false(has(x, 1, record));
	index_close(x);
}

/* The only data file. */
static char *find_data_file(void)
{
	DIR *dir = opendir(directory);
	struct dirent *d;
	char *path = NULL;

	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' && !strstr(d->d_name, "-lock"))
			path = strdup(trees_path(directory, d->d_name));
	closedir(dir);
	assert_non_null(path);
	return path;
}

static void overwrite(const char *path, struct span content)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, content.data, content.size), 0);
	close(fd);
}

/* Pages of LMDB's own are damaged, each in several ways: what is found is right or
 * absent, nothing ends the process, and what is put then stays. */
static void test_damaged_pages(void **state)
{
	struct index *x = open_it();
	struct bytes good = {0};
	unsigned anew = 0;
	char *path;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		put(x, i, "a record");
	assert_int_equal(index_commit(x), 0);
	index_close(x);
	path = find_data_file();
	assert_int_equal(io_read_file(AT_FDCWD, path, SIZE_MAX, &good), 0);
	for (size_t at = 0; at < good.size; at += 512 + 6) {
		uint8_t before[24];
		size_t size = good.size - at < sizeof before ? good.size - at
							     : sizeof before;

		memcpy(before, good.data + at, size);
		memset(good.data + at, at % 4 ? 0xff : 0x01, size);
		overwrite(path, span_of_bytes(&good));
		memcpy(good.data + at, before, size);
		x = open_it();
		for (unsigned i = 0; i < 200; i += 10)
			anew += !has(x, i, "a record");
		put(x, 7, "another");
		assert_int_equal(index_commit(x), 0);
		assert_true(has(x, 7, "another"));
		index_close(x);
	}
	assert_true(anew > 0);
	bytes_release(&good);
	free(path);
}

static void test_no_index(void **state)
{
	struct index *x;
	struct trouble t = {0};

	(void)state;
	trees_text(directory, "file", "");
	assert_true(
		index_open(trees_path(directory, "file"), "/a", "/b", NULL, &x, &t) < 0);
	assert_true(t.code < 0);
}

static void test_stable(void **state)
{
	struct stat st = {.st_mtim = {1000, 0}, .st_ctim = {1000, 0}};

	(void)state;
	assert_false(index_is_stable(&st, 1000 * NS_PER_SECOND));
	assert_false(index_is_stable(&st, 1002 * NS_PER_SECOND));
	assert_true(index_is_stable(&st, 1002 * NS_PER_SECOND + 1));
	st.st_ctim.tv_sec = 1001;
	assert_false(index_is_stable(&st, 1002 * NS_PER_SECOND + 1));
	st = (struct stat){.st_mtim = {2000, 0}, .st_ctim = {1000, 0}};
	assert_false(index_is_stable(&st, 1500 * NS_PER_SECOND));
}

static void test_fingerprints_differ(void **state)
{
	struct stat a = {.st_dev = 1,
		.st_ino = 2,
		.st_size = 3,
		.st_mtim = {4, 5},
		.st_ctim = {6, 7}};
	struct stat b[] = {a, a, a, a, a, a, a};
	struct bytes one = {0}, two = {0};

	(void)state;
	b[0].st_dev++;
	b[1].st_ino++;
	b[2].st_size++;
	b[3].st_mtim.tv_sec++;
	b[4].st_mtim.tv_nsec++;
	b[5].st_ctim.tv_sec++;
	b[6].st_ctim.tv_nsec++;
	assert_int_equal(index_fingerprint(&one, "path", &a), 0);
	for (unsigned i = 0; i < 7; i++) {
		bytes_clear(&two);
		assert_int_equal(index_fingerprint(&two, "path", &b[i]), 0);
		assert_false(span_equal(span_of_bytes(&one), span_of_bytes(&two)));
	}
	bytes_clear(&two);
	assert_int_equal(index_fingerprint(&two, "path2", &a), 0);
	assert_false(span_equal(span_of_bytes(&one), span_of_bytes(&two)));
	bytes_release(&one);
	bytes_release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keeps_what_was_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_drops_what_is_not_used, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_failed_publish, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_paths_are_kept_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_rotten_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_index, set_up, tear_down),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_fingerprints_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
