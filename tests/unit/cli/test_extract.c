/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/xattr.h>

#include "cli/extract.h"
#include "unit/cli_dataset.h"
#include "unit/published.h"

static struct cli_dataset d;
static unsigned warnings;

static void warn(void *ctx, const struct trouble *t)
{
	assert_ptr_equal(ctx, &d);
	assert_true(t->text[0]);
	warnings++;
}

static const char *at(const char *name)
{
	return trees_path(d.directory, name);
}

/* Some of each kind that anybody may make. */
static void fill_source(void)
{
	trees_directory(d.directory, "source/d");
	trees_directory(d.directory, "source/d/closed");
	trees_text(d.directory, "source/d/closed/in", "inside");
	trees_text(d.directory, "source/d/file", "text");
	trees_text(d.directory, "source/empty", "");
	trees_fill(d.directory, "source/large", 1, 2500000);
	trees_text(d.directory, "source/d/sparse", "begin");
	assert_int_equal(truncate(at("source/d/sparse"), 1 << 20), 0);
	assert_int_equal(symlink("../away", at("source/d/link")), 0);
	assert_int_equal(link(at("source/d/file"), at("source/hard")), 0);
	assert_int_equal(mkfifo(at("source/fifo"), 0640), 0);
	(void)!setxattr(at("source/d/file"), "user.x", "\0y", 2, 0);
	assert_int_equal(chmod(at("source/d/file"), 0751), 0);
	trees_age(at("source"));
	assert_int_equal(chmod(at("source/d/closed"), 0500), 0);
}

static int publish_all(void **state)
{
	(void)state;
	cli_dataset_init(&d);
	fill_source();
	cli_dataset_publish(&d);
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	chmod(at("source/d/closed"), 0700);
	cli_dataset_release(&d);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	cli_dataset_open(&d);
	warnings = 0;
	trees_directory(d.directory, "to");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	chmod(at("to/out/d/closed"), 0700);
	chmod(at("to/out2/closed"), 0700);
	trees_remove(strdup(at("to")));
	cli_dataset_close(&d);
	return 0;
}

static int each(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	(void)rank;
	return extract_entry(ctx, e, t);
}

/* `base` and all below it becomes `to`. */
static int extract(const char *base, const char *to)
{
	struct entry_copy copy = {0};
	struct extract *x = NULL;
	uint64_t rank, first, end;
	int rc = extract_new(&d.reader, base, to, warn, &d, &x, &d.trouble);

	if (rc)
		return rc;
	assert_int_equal(reader_find(&d.reader, base, &copy, &rank, &d.trouble), 0);
	rc = extract_entry(x, &copy.entry, &d.trouble);
	if (!rc && copy.entry.type == ENTRY_DIRECTORY) {
		assert_int_equal(
			reader_subtree(&d.reader, base, &first, &end, &d.trouble), 0);
		rc = reader_walk(&d.reader, first, end, each, x, &d.trouble);
	}
	if (!rc)
		rc = extract_finish(x, &d.trouble);
	entry_copy_release(&copy);
	extract_free(x);
	return rc;
}

static void test_everything_is_as_it_was(void **state)
{
	struct stat one, two;
	char *out;

	(void)state;
	if (extract("", at("to/out")))
		fail_msg("%s", d.trouble.text);
	assert_int_equal(warnings, 0);
	out = strdup(at("to/out"));
	/* What was published is what the copy is. */
	assert_true(published_equals(d.store, out) > 9);
	free(out);
	assert_int_equal(
		stat(at("to/out/d/file"), &one) || stat(at("to/out/hard"), &two), 0);
	assert_int_equal(one.st_ino, two.st_ino);
	assert_int_equal(one.st_nlink, 2);
	assert_int_equal(stat(at("source/d/sparse"), &one), 0);
	assert_int_equal(stat(at("to/out/d/sparse"), &two), 0);
	assert_true(two.st_blocks <= one.st_blocks + 16);
}

static void test_a_file_gets_a_new_name(void **state)
{
	struct bytes text = {0};

	(void)state;
	assert_int_equal(extract("d/closed/in", at("to/renamed")), 0);
	assert_int_equal(io_read_file(AT_FDCWD, at("to/renamed"), 100, &text), 0);
	assert_int_equal(text.size, 6);
	assert_memory_equal(text.data, "inside", 6);
	bytes_release(&text);
	assert_int_equal(extract("d/link", at("to/link")), 0);
	assert_int_equal(extract("hard", at("to/alone")), 0);
	assert_int_equal(extract("none", at("to/none")), ERR_ABSENT);
	assert_int_equal(access(at("to/none"), F_OK), -1);
	assert_int_equal(extract("hard", at("to/none/none")), ERR_ABSENT);
}

static void test_a_subtree(void **state)
{
	(void)state;
	assert_int_equal(extract("d", at("to/out2")), 0);
	assert_int_equal(access(at("to/out2/closed/in"), F_OK), 0);
	assert_int_equal(access(at("to/out2/d"), F_OK), -1);
}

static void test_files_are_never_overwritten(void **state)
{
	struct bytes text = {0};

	(void)state;
	trees_directory(d.directory, "to/out");
	trees_directory(d.directory, "to/out/d");
	trees_text(d.directory, "to/out/empty", "mine");
	assert_int_equal(extract("", at("to/out")), ERR_EXISTS);
	assert_non_null(strstr(d.trouble.text, "empty"));
	assert_int_equal(extract("hard", at("to/out/empty")), ERR_EXISTS);
	assert_int_equal(io_read_file(AT_FDCWD, at("to/out/empty"), 100, &text), 0);
	assert_int_equal(text.size, 4);
	bytes_release(&text);
}

/* Somebody puts a symlink where a directory is to be: nothing is made behind it. */
static void test_symlinks_are_not_followed(void **state)
{
	(void)state;
	trees_directory(d.directory, "to/out");
	trees_directory(d.directory, "to/elsewhere");
	assert_int_equal(symlink(at("to/elsewhere"), at("to/out/d")), 0);
	assert_int_not_equal(extract("", at("to/out")), 0);
	assert_int_equal(rmdir(at("to/elsewhere")), 0); /* empty */
}

/* A file that cannot be had whole is not left behind. */
static void test_nothing_half_written(void **state)
{
	struct entry_copy copy = {0};

	(void)state;
	assert_int_equal(reader_find(&d.reader, "large", &copy, NULL, &d.trouble), 0);
	entry_copy_release(&copy);
	cli_dataset_lose_blobs(&d);
	assert_int_not_equal(extract("large", at("to/large")), 0);
	assert_int_equal(access(at("to/large"), F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everything_is_as_it_was),
		TEST(test_a_file_gets_a_new_name),
		TEST(test_a_subtree),
		TEST(test_files_are_never_overwritten),
		TEST(test_symlinks_are_not_followed),
		TEST(test_nothing_half_written),
	};

	return cmocka_run_group_tests(tests, publish_all, remove_all);
}
