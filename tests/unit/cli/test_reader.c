/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cli_dataset.h"
#include "unit/entry_samples.h"
#include "format/names.h"
#include "util/io.h"

#define FILES 600 /* several leaves */
#define LARGE (3u << 20)

static struct cli_dataset d;

/* d/, d/f000 .. (each its own name), empty, hole, large, link -> d */
static int publish_all(void **state)
{
	char name[32];

	(void)state;
	cli_dataset_init(&d);
	trees_directory(d.directory, "source/d");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "source/d/f%03d", i);
		trees_text(d.directory, name, name);
	}
	trees_text(d.directory, "source/empty", "");
	trees_fill(d.directory, "source/large", 1, LARGE);
	trees_text(d.directory, "source/hole", "x");
	assert_int_equal(truncate(trees_path(d.directory, "source/hole"), 1 << 20), 0);
	assert_int_equal(symlink("d", trees_path(d.directory, "source/link")), 0);
	cli_dataset_publish(&d);
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	cli_dataset_release(&d);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	cli_dataset_open(&d);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_dataset_close(&d);
	return 0;
}

static void path_is(const char *text, const char *want)
{
	char *path = reader_path(text, &d.trouble);

	assert_string_equal(path, want);
	free(path);
}

static void test_paths_as_people_type_them(void **state)
{
	char text[PATH_SIZE_MAX + 3];

	(void)state;
	path_is("", "");
	path_is("/", "");
	path_is(".", "");
	path_is("./", "");
	path_is("//usr//./bin/", "usr/bin");
	path_is("a/...", "a/...");
	path_is(".hidden/..x/x..", ".hidden/..x/x..");
	assert_null(reader_path("a/../b", &d.trouble));
	assert_int_equal(d.trouble.code, ERR_INVALID);
	assert_null(reader_path("..", &d.trouble));
	memset(text, 'x', sizeof text);
	text[PATH_SIZE_MAX] = '\0';
	path_is(text, text);
	text[PATH_SIZE_MAX] = 'x';
	text[PATH_SIZE_MAX + 1] = '\0';
	assert_null(reader_path(text, &d.trouble));
}

static void test_what_is_a_url(void **state)
{
	(void)state;
	assert_true(reader_is_url("https://a/b"));
	assert_true(reader_is_url("file:///none"));
	assert_true(reader_is_url(d.store));
	assert_false(reader_is_url(d.directory));
	assert_false(reader_is_url("/none"));
	assert_false(reader_is_url(""));
	assert_int_equal(chdir(d.store), 0);
	assert_false(reader_is_url("."));
	assert_int_equal(chdir("/"), 0);
}

/* A copy outlives what it was copied from, in every field. */
static void test_copies_entries(void **state)
{
	struct samples *s = samples_new(5, 500);

	(void)state;
	for (size_t i = 0; i < s->count; i++) {
		struct entry_copy copy;

		assert_int_equal(entry_copy(&s->entries[i], &copy), 0);
		if (sample_difference(&s->entries[i], &copy.entry))
			fail_msg("entry %zu: other %s", i,
				sample_difference(&s->entries[i], &copy.entry));
		entry_copy_release(&copy);
		entry_copy_release(&copy);
	}
	samples_free(s);
}

static void test_finds(void **state)
{
	struct entry_copy copy = {0};
	uint64_t rank = 0;

	(void)state;
	assert_int_equal(reader_find(&d.reader, "", &copy, &rank, &d.trouble), 0);
	assert_int_equal(copy.entry.type, ENTRY_DIRECTORY);
	assert_int_equal(rank, 0);
	entry_copy_release(&copy);
	assert_int_equal(reader_find(&d.reader, "d/f007", &copy, &rank, &d.trouble), 0);
	assert_int_equal(copy.entry.size, strlen("source/d/f007"));
	assert_int_equal(rank, 6 + 7);
	entry_copy_release(&copy);
	assert_int_equal(reader_find(&d.reader, "link", &copy, NULL, &d.trouble), 0);
	assert_int_equal(copy.entry.type, ENTRY_SYMLINK);
	entry_copy_release(&copy);
	/* Symlinks are not followed. */
	assert_int_equal(
		reader_find(&d.reader, "link/f007", &copy, NULL, &d.trouble), ERR_ABSENT);
	assert_int_equal(
		reader_find(&d.reader, "d/f", &copy, NULL, &d.trouble), ERR_ABSENT);
	assert_non_null(strstr(d.trouble.text, "'d/f'"));
}

struct seen {
	uint64_t count, first, last, stop;
	char path[64];
};

static int note(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct seen *s = ctx;

	(void)t;
	if (s->count++ == 0)
		s->first = rank;
	else
		assert_int_equal(rank, s->last + 1);
	s->last = rank;
	snprintf(s->path, sizeof s->path, "%.*s/%.*s", (int)e->parent.size, e->parent.data,
		(int)e->name.size, e->name.data);
	return s->count == s->stop ? 77 : 0;
}

static void test_walks(void **state)
{
	struct seen s = {0};
	uint64_t first, end;

	(void)state;
	assert_int_equal(reader_walk(&d.reader, 0, UINT64_MAX, note, &s, &d.trouble), 0);
	assert_int_equal(s.count, FILES + 6);
	assert_int_equal(reader_subtree(&d.reader, "d", &first, &end, &d.trouble), 0);
	assert_int_equal(end - first, FILES);
	s = (struct seen){0};
	assert_int_equal(
		reader_walk(&d.reader, first + 1, end - 1, note, &s, &d.trouble), 0);
	assert_int_equal(s.count, FILES - 2);
	assert_string_equal(s.path, "d/f598");
	s = (struct seen){.stop = 300};
	assert_int_equal(reader_walk(&d.reader, first, end, note, &s, &d.trouble), 77);
	assert_int_equal(s.count, 300);
	s = (struct seen){0};
	assert_int_equal(reader_walk(&d.reader, 5, 5, note, &s, &d.trouble), 0);
	assert_int_equal(s.count, 0);
}

/* The file as it is on disk, through reads of `step` bytes. */
static void reads_as(const char *path, size_t step)
{
	struct entry_copy copy = {0};
	struct bytes want = {0};
	uint8_t *buffer = malloc(step);
	char *full = strdup(trees_path(trees_path(d.directory, "source"), path));
	uint64_t at = 0;
	size_t done;

	assert_int_equal(reader_find(&d.reader, path, &copy, NULL, &d.trouble), 0);
	assert_int_equal(io_read_file(AT_FDCWD, full, SIZE_MAX / 2, &want), 0);
	assert_int_equal(copy.entry.size, want.size);
	do {
		size_t left = want.size - at;

		assert_int_equal(reader_read(&d.reader, &copy.entry, at, buffer, step,
					 &done, &d.trouble),
			0);
		assert_int_equal(done, left < step ? left : step);
		if (done)
			assert_memory_equal(buffer, want.data + at, done);
		at += done;
	} while (done);
	assert_int_equal(at, want.size);
	bytes_release(&want);
	entry_copy_release(&copy);
	free(buffer);
	free(full);
}

static void test_reads(void **state)
{
	(void)state;
	reads_as("empty", 10);
	reads_as("hole", 100000);
	reads_as("d/f599", 5);
	reads_as("large", 1000003);
}

/* What was read is in the cache; the rest is told, not made up. */
static void test_reads_without_the_store(void **state)
{
	struct entry_copy copy = {0};
	char byte;
	size_t done = 7;

	(void)state;
	reads_as("d/f000", 100);
	assert_int_equal(reader_find(&d.reader, "large", &copy, NULL, &d.trouble), 0);
	cli_dataset_lose_blobs(&d);
	reads_as("d/f001", 100); /* in the same bundle */
	assert_int_not_equal(
		reader_read(&d.reader, &copy.entry, 0, &byte, 1, &done, &d.trouble), 0);
	assert_true(d.trouble.text[0]);
	assert_int_equal(done, 7);
	entry_copy_release(&copy);
}

static void option(int letter, const char *value, int want)
{
	bool taken;

	assert_int_equal(reader_option(&d.options, "ls", letter, value, &taken), want);
	assert_true(taken);
}

static void test_options(void **state)
{
	bool taken;

	(void)state;
	option(OPTION_REVISION, "7", 0);
	assert_int_equal(d.options.dataset.revision, 7);
	option(OPTION_REVISION, "0", EXIT_USE);
	option(OPTION_REVISION, "x", EXIT_USE);
	option(OPTION_TIMEOUT, "5", 0);
	assert_int_equal(d.options.dataset.deadline_ns, INT64_C(5000000000));
	option(OPTION_TIMEOUT, "0", EXIT_USE);
	option(OPTION_TIMEOUT, "86401", EXIT_USE);
	/* Absolute, also what is not there yet: a mount goes elsewhere before it opens it.
	 */
	assert_int_equal(chdir(d.directory), 0);
	option(OPTION_CACERT, "source/empty", 0);
	assert_true(d.options.credentials.cacert[0] == '/');
	option(OPTION_CACERT, "none", 0);
	assert_string_equal(d.options.credentials.cacert, trees_path(d.directory, "none"));
	option(OPTION_PROXY, "source", 0);
	assert_string_equal(d.options.credentials.proxy, "source");
	option('v', NULL, 0);
	option('v', NULL, 0);
	assert_int_equal(d.options.verbose, 2);
	assert_int_equal(reader_option(&d.options, "ls", OPTION_OWN, NULL, &taken), 0);
	assert_false(taken);
	assert_int_equal(chdir("/"), 0);
}

static void test_what_cannot_be_opened(void **state)
{
	struct trouble t = {0};
	struct reader r;

	(void)state;
	d.options.dataset.url = trees_path(d.directory, "source");
	assert_int_equal(reader_open(&r, &d.options, log_new_stderr(LOG_LEVEL_ERROR), &t),
		ERR_ABSENT);
	assert_true(t.text[0]);
	assert_null(r.cache);
	d.options.dataset.url = "gopher://x";
	assert_int_not_equal(
		reader_open(&r, &d.options, log_new_stderr(LOG_LEVEL_ERROR), &t), 0);
	d.options.dataset.url = d.store;
	d.options.cache = trees_path(d.directory, "source/empty");
	assert_int_not_equal(
		reader_open(&r, &d.options, log_new_stderr(LOG_LEVEL_ERROR), &t), 0);
	assert_null(r.engine);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, set_up, tear_down)
static void test_revision_or_tag(void **state)
{
	struct reader_options o;
	bool taken;

	(void)state;
	reader_options_init(&o);
	assert_int_equal(reader_option(&o, "ls", OPTION_TAG, "v1", &taken), 0);
	assert_int_equal(reader_option(&o, "ls", OPTION_REVISION, "1", &taken), EXIT_USE);
	reader_options_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_paths_as_people_type_them),
		TEST(test_what_is_a_url),
		cmocka_unit_test(test_revision_or_tag),
		cmocka_unit_test(test_copies_entries),
		TEST(test_finds),
		TEST(test_walks),
		TEST(test_reads),
		TEST(test_reads_without_the_store),
		TEST(test_options),
		TEST(test_what_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, publish_all, remove_all);
}
