/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/store_directory.h"
#include "publish/store_recovery.h"
#include "unit/trees.h"
#include "util/clock.h"

#define SIZE (200u << 10)
#define BLOBS 600 /* more than are named at a time */

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

	assert_int_equal(
		store_directory_open(trees_path(directory, "s"), STORE_MAKE, &s, NULL), 0);
	return s;
}

static struct digest put(struct store *s, struct span content, const struct digest *base,
	struct span base_content)
{
	struct digest d = digest_of(content.data, content.size);
	struct bytes stored = {0};

	assert_int_equal(
		base ? blob_encode_delta(codec, content, base, base_content, 3, &stored)
		     : blob_encode(codec, content, 3, &stored),
		0);
	assert_int_equal(store_write_blob(s, &d, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return d;
}

static const char *blob_file(const struct digest *d)
{
	char below[BLOB_PATH_SIZE + 4] = "s/";

	blob_path(d, below + 2);
	return trees_path(directory, below);
}

static void date(const struct digest *d, int64_t when)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT}, {when / NS_PER_SECOND, 0}};

	assert_int_equal(utimensat(AT_FDCWD, blob_file(d), times, 0), 0);
}

static void flip(const struct digest *d, off_t at)
{
	int fd = open(blob_file(d), O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static bool is_there(const struct digest *d)
{
	return access(blob_file(d), F_OK) == 0;
}

static void count(void *ctx)
{
	++*(unsigned *)ctx;
}

static void recover(struct store *s, uint64_t looked_at, uint64_t removed)
{
	unsigned reports = 0;
	struct store_recovery r = {
		.store = s, .jobs = 3, .progress = count, .ctx = &reports};
	struct trouble t = {0};

	if (store_recover(&r, &t))
		fail_msg("%s", t.text);
	assert_int_equal(r.looked_at, looked_at);
	assert_int_equal(r.removed, removed);
	assert_true(looked_at == 0 || reports > 0);
	assert_int_equal(access(trees_path(directory, "s/.unsynced"), F_OK), -1);
}

static void test_what_is_young_is_decoded(void **state)
{
	struct store *s = open_it();
	int64_t hour_ago = clock_realtime() - 3600 * NS_PER_SECOND;
	struct digest good[BLOBS], flipped, cut, empty, old, base, delta;
	uint8_t *noise = trees_noise(7, SIZE);

	(void)state;
	recover(s, 0, 0); /* nobody was cut off */
	for (unsigned i = 0; i < BLOBS; i++)
		good[i] = put(s, span_of((uint8_t *)&i, sizeof i), NULL, span_of("", 0));
	flipped = put(s, span_of(noise, SIZE), NULL, span_of("", 0));
	cut = put(s, span_of(noise, SIZE - 1), NULL, span_of("", 0));
	empty = put(s, span_of(noise, SIZE - 2), NULL, span_of("", 0));
	old = put(s, span_of(noise, SIZE - 3), NULL, span_of("", 0));
	base = put(s, span_of(noise, SIZE - 4), NULL, span_of("", 0));
	delta = put(s, span_of(noise + 1, SIZE - 4), &base, span_of(noise, SIZE - 4));
	flip(&flipped, 100000);
	assert_int_equal(truncate(blob_file(&cut), 8192), 0);
	assert_int_equal(truncate(blob_file(&empty), 0), 0);
	flip(&old, 100000); /* of before: not looked at, or it would take for ever */
	date(&old, hour_ago);
	assert_int_equal(unlink(blob_file(&base)), 0);
	store_close(s);
	s = open_it();
	recover(s, BLOBS + 4, 4);
	for (unsigned i = 0; i < BLOBS; i++)
		assert_true(is_there(&good[i]));
	assert_false(is_there(&flipped) || is_there(&cut) || is_there(&empty));
	assert_false(is_there(&delta));
	assert_true(is_there(&old));
	recover(s, 0, 0);
	store_close(s);
	free(noise);
}

/* A mark that tells nothing: all are decoded. */
static void test_damaged_mark(void **state)
{
	struct store *s = open_it();
	struct digest d = put(s, span_of("hello", 5), NULL, span_of("", 0));

	(void)state;
	date(&d, 1000 * NS_PER_SECOND);
	assert_int_equal(truncate(blob_file(&d), 3), 0);
	trees_text(directory, "s/.unsynced", "");
	recover(s, 1, 1);
	store_close(s);
}

static int read_badly(struct store *s, const char *path, size_t max, uint64_t *asked,
	struct bytes *out, struct store_version *version, struct trouble *t)
{
	(void)s;
	(void)max;
	(void)asked;
	(void)out;
	(void)version;
	return trouble_set(t, ERR_IO, "cannot read %s", path);
}

/* It cannot be told whether a blob is good: then it stays, and so does the mark. */
static void test_failure_keeps_all(void **state)
{
	struct store *s = open_it();
	struct digest d = put(s, span_of("hello", 5), NULL, span_of("", 0));
	struct store_recovery r = {.store = s, .jobs = 2};
	const struct store_methods *good = s->methods;
	struct store_methods bad = *good;
	struct trouble t = {0};

	(void)state;
	bad.read = read_badly;
	s->methods = &bad;
	assert_int_equal(store_recover(&r, &t), ERR_IO);
	s->methods = good;
	assert_non_null(strstr(t.text, "blobs/"));
	assert_true(is_there(&d));
	assert_int_equal(access(trees_path(directory, "s/.unsynced"), F_OK), 0);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_what_is_young_is_decoded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failure_keeps_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
