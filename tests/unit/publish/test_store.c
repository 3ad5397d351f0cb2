/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/store.h"
#include "unit/trees.h"
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

	if (store_open(trees_path(directory, "deep/store"), &s, &t))
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

static struct digest put_delta(struct store *s, const char *content, const char *base)
{
	struct digest d = digest_of(content, strlen(content));
	struct digest b = digest_of(base, strlen(base));
	struct bytes stored = {0};

	assert_int_equal(blob_encode_delta(codec, span_of_string(content), &b,
				 span_of_string(base), 3, &stored),
		0);
	assert_int_equal(store_write_blob(s, &d, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return d;
}

static const char *blob_file(const struct digest *d)
{
	char below[BLOB_PATH_SIZE + 16] = "deep/store/";

	blob_path(d, below + strlen(below));
	return trees_path(directory, below);
}

static void test_blobs(void **state)
{
	struct store *s = open_it();
	struct bytes content = {0};
	struct stored found;
	struct digest d = digest_of("hello", 5);
	struct stat st;

	(void)state;
	assert_int_equal(store_find_blob(s, &d, &found), ERR_ABSENT);
	assert_int_equal(store_read_blob(s, codec, &d, &content), ERR_ABSENT);
	d = put(s, "hello");
	assert_int_equal(store_find_blob(s, &d, &found), 0);
	assert_false(found.has_base);
	assert_int_equal(stat(blob_file(&d), &st), 0);
	assert_int_equal(found.size, st.st_size);
	assert_int_equal(store_read_blob(s, codec, &d, &content), 0);
	assert_true(span_equal(span_of_bytes(&content), span_of_string("hello")));
	bytes_release(&content);
	store_close(s);
}

static void test_deltas(void **state)
{
	struct store *s = open_it();
	struct bytes content = {0};
	struct stored found;
	struct digest base = put(s, "a base that is somewhat long, a base");
	struct digest d = put_delta(s, "a base that is somewhat longer, a base",
		"a base that is somewhat long, a base");
	struct digest chain = put_delta(s, "a base that is somewhat longer, two",
		"a base that is somewhat longer, a base");

	(void)state;
	assert_int_equal(store_find_blob(s, &d, &found), 0);
	assert_true(found.has_base && digest_equal(&found.base, &base));
	assert_int_equal(store_read_blob(s, codec, &d, &content), 0);
	assert_int_equal(content.size, strlen("a base that is somewhat longer, a base"));
	/* a base is never a delta itself */
	assert_int_equal(store_read_blob(s, codec, &chain, &content), ERR_CORRUPT);
	bytes_release(&content);
	store_close(s);
}

/* As a power loss may leave a blob that was not synced. */
static void test_damaged_blobs(void **state)
{
	struct store *s = open_it();
	struct bytes content = {0};
	struct digest d = put(s, "hello hello hello hello");
	struct stored found;
	int fd;

	(void)state;
	fd = open(blob_file(&d), O_WRONLY);
	assert_int_equal(pwrite(fd, "????????", 8, 8), 8);
	assert_int_equal(store_read_blob(s, codec, &d, &content), ERR_CORRUPT);
	assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 0), 4);
	assert_int_equal(store_find_blob(s, &d, &found), ERR_ABSENT);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(store_find_blob(s, &d, &found), ERR_ABSENT);
	close(fd);
	bytes_release(&content);
	store_close(s);
}

static void test_one_publisher(void **state)
{
	struct store *s = open_it(), *other;
	struct trouble t = {0};

	(void)state;
	assert_int_equal(
		store_open(trees_path(directory, "deep/store"), &other, &t), ERR_BUSY);
	assert_non_null(strstr(t.text, "another process"));
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
	s = open_it();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(access(trees_path(directory, names[i]), F_OK), -1);
	assert_int_equal(store_find_blob(s, &d, &found), 0);
	store_close(s);
}

static void test_other_directories_are_refused(void **state)
{
	struct store *s;
	struct trouble t = {0};

	(void)state;
	trees_directory(directory, "photos");
	trees_text(directory, "photos/one.jpg", "");
	assert_int_equal(store_open(trees_path(directory, "photos"), &s, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "not a store"));
	assert_int_equal(access(trees_path(directory, "photos/blobs"), F_OK), -1);
	assert_true(store_open(trees_path(directory, "photos/one.jpg"), &s, &t) < 0);
	trees_directory(directory, "empty");
	assert_int_equal(store_open(trees_path(directory, "empty"), &s, &t), 0);
	store_close(s);
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
			store_write_manifest(s, revision, span_of_string("{}"), &t), 0);
		assert_int_equal(
			stat(trees_path(directory, "deep/store/manifest.json"), &st), 0);
		assert_true(st.st_mtime > before);
		before = st.st_mtime;
	}
	store_close(s);
}

static void test_manifests(void **state)
{
	struct store *s = open_it();
	struct bytes text = {0};
	struct manifest *m;
	struct trouble t = {0};

	(void)state;
	assert_int_equal(store_read_manifest(s, &text, &m, &t), ERR_ABSENT);
	assert_int_equal(store_write_manifest(s, 7, span_of_string("{\"no\":1}"), &t), 0);
	assert_int_equal(
		access(trees_path(directory, "deep/store/revisions/7.json"), R_OK), 0);
	assert_true(store_read_manifest(s, &text, &m, &t) < 0);
	assert_non_null(strstr(t.text, "manifest.json"));
	assert_int_equal(store_write_tag(s, "../x", span_of_string("{}"), &t), ERR_INVALID);
	assert_int_equal(store_write_tag(s, "x", span_of_string("{}"), &t), 0);
	assert_int_equal(access(trees_path(directory, "deep/store/tags/x.json"), R_OK), 0);
	assert_int_equal(store_sync(s, &t), 0);
	bytes_release(&text);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blobs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deltas, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_blobs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_publisher, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_leftovers_are_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_other_directories_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_manifests_differ_in_seconds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_manifests, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
