/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "publish/store_directory.h"
#include "publish/unsynced.h"
#include "unit/trees.h"
#include "util/clock.h"
#include "util/io.h"

static char *directory;
static struct blob_codec *codec;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	codec = blob_codec_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	blob_codec_free(codec);
	trees_remove(directory);
	return 0;
}

static struct store *open_it(void)
{
	struct store *s;
	struct trouble t = {0};

	if (store_directory_open(trees_path(directory, "deep/store"), STORE_MAKE, &s, &t))
		fail_msg("%s", t.text);
	return s;
}

static struct digest put(struct store *s, const char *content)
{
	struct digest d = digest_of(content, strlen(content));
	struct bytes stored = {0};

	assert_int_equal(blob_encode(codec, span_of_string(content), 3, &stored), 0);
	assert_int_equal(store_write_blob(s, &d, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return d;
}

static void test_one_writer(void **state)
{
	const char *path = trees_path(directory, "deep/store");
	struct store *s = open_it(), *other;
	struct trouble t = {0};

	(void)state;
	assert_int_equal(store_directory_open(path, STORE_MAKE, &other, &t), ERR_BUSY);
	assert_non_null(strstr(t.text, "another process"));
	assert_int_equal(store_directory_open(path, STORE_WRITE, &other, &t), ERR_BUSY);
	/* who reads waits for nobody, and changes nothing */
	assert_int_equal(store_directory_open(path, STORE_READ, &other, &t), 0);
	assert_false(store_is_writable(other));
	assert_int_equal(store_write_tag(other, "x", span_of_string("{}"), NULL, &t),
		ERR_UNSUPPORTED);
	store_close(other);
	store_close(s);
	store_close(open_it());
}

static void test_leftovers_are_removed(void **state)
{
	static const char *const names[] = {"deep/store/blobs/.12-3.tmp",
		"deep/store/.12-abc.tmp", "deep/store/revisions/.1-2.tmp",
		"deep/store/tags/.1-2.tmp"};
	struct store *s = open_it();
	struct digest d = put(s, "kept");
	struct stored found;

	(void)state;
	store_close(s);
	for (unsigned i = 0; i < 4; i++)
		trees_text(directory, names[i], "half");
	assert_int_equal(store_directory_open(
				 trees_path(directory, "deep/store"), STORE_READ, &s, NULL),
		0);
	store_close(s);
	assert_int_equal(access(trees_path(directory, names[0]), F_OK), 0);
	s = open_it();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(access(trees_path(directory, names[i]), F_OK), -1);
	assert_int_equal(store_find_blob(s, &d, &found, NULL), 0);
	store_close(s);
}

static int open_as(const char *name, enum store_access access_wanted, struct trouble *t)
{
	struct store *s;
	int rc = store_directory_open(trees_path(directory, name), access_wanted, &s, t);

	if (!rc)
		store_close(s);
	return rc;
}

static void test_other_directories_are_refused(void **state)
{
	struct trouble t = {0};

	(void)state;
	trees_directory(directory, "photos");
	trees_text(directory, "photos/one.jpg", "");
	assert_int_equal(open_as("photos", STORE_MAKE, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "not a store"));
	assert_int_equal(open_as("photos", STORE_READ, &t), ERR_INVALID);
	assert_int_equal(access(trees_path(directory, "photos/blobs"), F_OK), -1);
	assert_true(open_as("photos/one.jpg", STORE_MAKE, &t) < 0);
	trees_directory(directory, "empty");
	assert_int_equal(open_as("empty", STORE_WRITE, &t), ERR_ABSENT);
	assert_int_equal(open_as("empty", STORE_READ, &t), ERR_ABSENT);
	assert_int_equal(open_as("empty", STORE_MAKE, &t), 0);
	assert_int_equal(open_as("none", STORE_WRITE, &t), ERR_ABSENT);
	assert_int_equal(open_as("none", STORE_READ, &t), ERR_ABSENT);
	assert_int_equal(access(trees_path(directory, "none"), F_OK), -1);
}

/* However fast they follow each other, a server that looks at seconds sees that each is
 * another one. */
static void test_manifests_differ_in_seconds(void **state)
{
	struct store *s = open_it();
	struct trouble t = {0};
	struct stat st;
	time_t before = 0;

	(void)state;
	for (uint64_t revision = 1; revision < 4; revision++) {
		assert_int_equal(
			store_write_manifest(s, revision, span_of_string("{}"), NULL, &t),
			0);
		assert_int_equal(
			stat(trees_path(directory, "deep/store/manifest.json"), &st), 0);
		assert_true(st.st_mtime > before);
		before = st.st_mtime;
	}
	store_close(s);
}

static bool is_marked(void)
{
	return access(trees_path(directory, "deep/store/.unsynced"), F_OK) == 0;
}

/* There from the first blob until all is durable and said to be good. */
static void test_mark(void **state)
{
	struct store *s = open_it();
	int64_t since = -1, again = -1;
	struct stored found;
	struct digest d;

	(void)state;
	assert_int_equal(store_unsynced_since(s, &since), ERR_ABSENT);
	assert_int_equal(store_write_manifest(s, 1, span_of_string("{}"), NULL, NULL), 0);
	assert_false(is_marked());
	d = put(s, "one");
	assert_true(is_marked());
	assert_int_equal(store_unsynced_since(s, &since), 0);
	assert_int_equal(store_find_blob(s, &d, &found, NULL), 0);
	assert_true(found.mtime >= since);
	assert_true(since > clock_realtime() - 600 * NS_PER_SECOND);
	store_close(s); /* as if it was cut off */
	s = open_it();
	put(s, "two");
	assert_int_equal(store_unsynced_since(s, &again), 0);
	assert_int_equal(again, since); /* what it told of is still in doubt */
	assert_int_equal(store_sync(s, NULL), 0);
	assert_true(is_marked());
	assert_int_equal(store_settle(s, NULL), 0);
	assert_false(is_marked());
	assert_int_equal(store_settle(s, NULL), 0);
	put(s, "three");
	assert_true(is_marked());
	store_close(s);
}

/* Whatever stands in the mark: then all is in doubt. */
static void test_odd_marks(void **state)
{
	static const char *const texts[] = {"", "since\n", "since x\n", "since 12",
		"since -5\n", "12\n", "since 99999999999999999999999999999999999999\n"};
	struct store *s = open_it();
	int64_t since;

	(void)state;
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		trees_text(directory, "deep/store/.unsynced", texts[i]);
		since = -1;
		assert_int_equal(store_unsynced_since(s, &since), 0);
		if (i + 1 < sizeof texts / sizeof *texts)
			assert_int_equal(since, 0);
		assert_true(since >= 0);
	}
	trees_text(directory, "deep/store/.unsynced", "since 12\n");
	assert_int_equal(store_unsynced_since(s, &since), 0);
	assert_int_equal(since, 12);
	store_close(s);
}

/* The clock is set back while it is published. */
static void test_no_blob_is_older_than_the_mark(void **state)
{
	struct store *s = open_it();
	char text[64];
	int64_t since = clock_realtime() + 3600 * NS_PER_SECOND, kept;
	struct stored found;
	struct digest d;
	int fd;

	(void)state;
	snprintf(text, sizeof text, "since %lld\n", (long long)since);
	trees_text(directory, "deep/store/.unsynced", text);
	fd = open(trees_path(directory, "deep/store"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(unsynced_make(fd, 99, &kept), 0);
	close(fd);
	/* A mark of the future is no use: it is as old as now. */
	assert_true(kept < since);
	d = put(s, "young");
	assert_int_equal(store_find_blob(s, &d, &found, NULL), 0);
	assert_true(found.mtime >= kept);
	store_close(s);
}

static void test_readable(void **state)
{
	struct store *s = open_it();
	struct trouble t = {0};

	(void)state;
	assert_int_equal(chmod(trees_path(directory, "deep/store"), 0755), 0);
	assert_int_equal(chmod(trees_path(directory, "deep/store/blobs"), 0755), 0);
	assert_int_equal(chmod(trees_path(directory, "deep/store/revisions"), 0750), 0);
	assert_int_equal(chmod(trees_path(directory, "deep/store/tags"), 0711), 0);
	assert_int_equal(store_check_readable(s, &t), 0);
	assert_int_equal(chmod(trees_path(directory, "deep/store/blobs"), 0700), 0);
	assert_int_equal(store_check_readable(s, &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "chmod -R go+rX"));
	assert_int_equal(chmod(trees_path(directory, "deep/store/blobs"), 0755), 0);
	assert_int_equal(store_write_manifest(s, 1, span_of_string("{}"), NULL, &t), 0);
	assert_int_equal(chmod(trees_path(directory, "deep/store/manifest.json"), 0600), 0);
	assert_int_equal(store_check_readable(s, &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "manifest.json"));
	store_close(s);
}

/* What others of a group may write to, they may publish to. */
static void test_umask(void **state)
{
	mode_t old = umask(002);
	struct store *s = open_it();
	struct digest d = put(s, "shared");
	char path[BLOB_PATH_SIZE + 16] = "deep/store/";
	static const struct {
		const char *path;
		mode_t mode;
	} expected[] = {{"deep/store", 0775}, {"deep/store/blobs", 0775},
		{"deep/store/.lock", 0664}, {"deep/store/.unsynced", 0664}};
	struct stat st;

	(void)state;
	store_close(s);
	umask(old);
	for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(stat(trees_path(directory, expected[i].path), &st), 0);
		assert_int_equal(st.st_mode & 0777, expected[i].mode);
	}
	blob_path(&d, path + strlen(path));
	assert_int_equal(stat(trees_path(directory, path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0664);
}

static void test_discard(void **state)
{
	struct store *s = open_it();

	(void)state;
	store_discard(s);
	store_close(s);
	assert_int_equal(access(trees_path(directory, "deep/store"), F_OK), -1);
	s = open_it();
	put(s, "something");
	store_discard(s);
	store_close(s);
	assert_int_equal(access(trees_path(directory, "deep/store/blobs"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_leftovers_are_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_other_directories_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_manifests_differ_in_seconds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_no_blob_is_older_than_the_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_umask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discard, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
