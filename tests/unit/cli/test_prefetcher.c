/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/prefetcher.h"
#include "unit/await.h"
#include "unit/cli_dataset.h"

#define FILES 300
#define LARGE (5u << 20)

static struct cli_dataset d;
static struct prefetcher *prefetcher;
static unsigned failures, unkepts;
static char failed_path[256];

static void failed(void *ctx, const char *path, bool unkept, const struct trouble *t)
{
	unkepts += unkept;
	assert_ptr_equal(ctx, &d);
	assert_true(t->code < 0);
	snprintf(failed_path, sizeof failed_path, "%s", path);
	failures++;
}

static int publish_all(void **state)
{
	char name[32];

	(void)state;
	cli_dataset_init(&d);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "source/s%03d", i);
		trees_fill(d.directory, name, (uint64_t)i, 10000);
	}
	trees_text(d.directory, "source/empty", "");
	trees_fill(d.directory, "source/large", 1000, LARGE);
	trees_fill(d.directory, "source/large2", 1000, LARGE); /* the same again */
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
	failures = unkepts = 0;
	assert_int_equal(prefetcher_new(&d.reader, failed, &d, &prefetcher), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	prefetcher_free(prefetcher);
	cli_dataset_close(&d);
	return 0;
}

static int add(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	(void)ctx;
	(void)rank;
	return prefetcher_add(prefetcher, e, t);
}

static void prefetcher_all(void)
{
	if (reader_walk(&d.reader, 0, UINT64_MAX, add, NULL, &d.trouble))
		fail_msg("%s", d.trouble.text);
	prefetcher_finish(prefetcher);
}

/* How much of all files is in the cache. */
static int count(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct attempt a;
	uint64_t bytes = 0;

	(void)rank;
	(void)t;
	if (e->type != ENTRY_FILE)
		return 0;
	assert_int_equal(attempt_begin(&a, d.reader.cache, NULL), 0);
	assert_int_equal(attempt_resident(&a, e, &bytes), 0);
	attempt_end(&a);
	*(uint64_t *)ctx += bytes;
	return 0;
}

static uint64_t resident(void)
{
	uint64_t bytes = 0;

	assert_int_equal(
		reader_walk(&d.reader, 0, UINT64_MAX, count, &bytes, &d.trouble), 0);
	return bytes;
}

static void test_brings_everything(void **state)
{
	uint64_t present, fetched;

	(void)state;
	assert_int_equal(resident(), 0);
	prefetcher_all();
	assert_int_equal(failures, 0);
	assert_int_equal(cache_flush(d.reader.cache), 0);
	assert_int_equal(cache_losses(d.reader.cache), 0);
	assert_int_equal(resident(), FILES * 10000 + 2 * LARGE);
	prefetcher_count(prefetcher, &present, &fetched);
	assert_int_equal(present, FILES * 10000 + 2 * LARGE);
	assert_true(fetched >= FILES * 10000 + LARGE && fetched <= present);
}

static void test_what_is_here_is_not_fetched_again(void **state)
{
	uint64_t present, fetched;

	(void)state;
	prefetcher_all();
	prefetcher_free(prefetcher);
	cli_dataset_lose_blobs(&d);
	assert_int_equal(prefetcher_new(&d.reader, failed, &d, &prefetcher), 0);
	prefetcher_all();
	assert_int_equal(failures, 0);
	prefetcher_count(prefetcher, &present, &fetched);
	assert_int_equal(fetched, 0);
	assert_int_equal(present, FILES * 10000 + 2 * LARGE);
}

/* Names are there, contents are not: each object is told, and nobody waits for ever. */
static void test_tells_what_cannot_be_had(void **state)
{
	uint64_t present, fetched;

	(void)state;
	assert_int_equal(resident(), 0); /* brings the pages */
	cli_dataset_lose_blobs(&d);
	prefetcher_all();
	assert_true(failures >= 2);
	assert_true(strcmp(failed_path, "large") == 0 ||
		    strcmp(failed_path, "large2") == 0 || failed_path[0] == 's');
	prefetcher_count(prefetcher, &present, &fetched);
	assert_int_equal(present, 0);
	assert_int_equal(fetched, 0);
}

/* They come, and there is no room for them: that is told, and that they are not there. */
static void test_tells_what_is_not_kept(void **state)
{
	uint64_t losses;

	(void)state;
	prefetcher_free(prefetcher);
	reader_close(&d.reader);
	d.options.floor = UINT64_MAX / 4;
	assert_int_equal(
		reader_open(&d.reader, &d.options, log_new_stderr(LOG_LEVEL_ERROR), NULL),
		0);
	assert_int_equal(prefetcher_new(&d.reader, failed, &d, &prefetcher), 0);
	losses = cache_losses(d.reader.cache);
	prefetcher_all();
	assert_true(failures >= 2);
	assert_int_equal(unkepts, failures);
	assert_int_equal(cache_flush(d.reader.cache), 0);
	assert_true(cache_losses(d.reader.cache) > losses);
	assert_int_equal(resident(), 0);
}

static void test_one_file(void **state)
{
	struct entry_copy copy = {0};

	(void)state;
	assert_int_equal(reader_find(&d.reader, "empty", &copy, NULL, &d.trouble), 0);
	assert_int_equal(prefetcher_add(prefetcher, &copy.entry, &d.trouble), 0);
	entry_copy_release(&copy);
	assert_int_equal(reader_find(&d.reader, "", &copy, NULL, &d.trouble), 0);
	assert_int_equal(prefetcher_add(prefetcher, &copy.entry, &d.trouble), 0);
	entry_copy_release(&copy);
	prefetcher_finish(prefetcher);
	assert_int_equal(resident(), 0);
	assert_int_equal(reader_find(&d.reader, "large", &copy, NULL, &d.trouble), 0);
	assert_int_equal(prefetcher_add(prefetcher, &copy.entry, &d.trouble), 0);
	entry_copy_release(&copy);
	prefetcher_finish(prefetcher);
	assert_int_equal(resident(), 2 * LARGE); /* one object, two names */
	prefetcher_finish(prefetcher);
}

/* Asking ahead waits for nothing and needs no more than a place in the file. */
static void test_asks_ahead(void **state)
{
	struct entry_copy copy = {0};
	uint8_t byte;
	size_t done;

	(void)state;
	assert_int_equal(reader_find(&d.reader, "large", &copy, NULL, &d.trouble), 0);
	prefetcher_ahead(&d.reader, &copy.entry, 0);
	prefetcher_ahead(&d.reader, &copy.entry, LARGE - 1);
	prefetcher_ahead(&d.reader, &copy.entry, LARGE);
	prefetcher_ahead(&d.reader, &copy.entry, UINT64_MAX);
	assert_int_equal(
		reader_read(&d.reader, &copy.entry, LARGE - 1, &byte, 1, &done, &d.trouble),
		0);
	entry_copy_release(&copy);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_brings_everything),
		TEST(test_what_is_here_is_not_fetched_again),
		TEST(test_tells_what_cannot_be_had),
		TEST(test_tells_what_is_not_kept),
		TEST(test_one_file),
		TEST(test_asks_ahead),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, publish_all, remove_all);
}
