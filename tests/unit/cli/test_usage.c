/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/inspect.h"
#include "cli/prefetcher.h"
#include "cli/usage.h"
#include "unit/cli_dataset.h"

#define MANY 4000 /* entries of a directory: several leaves */

static struct cli_dataset d;
static char told[4096];

static void make(const char *name, uint64_t size)
{
	char path[64];

	snprintf(path, sizeof path, "source/%s", name);
	trees_fill(d.directory, path, size, size);
}

static int publish_all(void **state)
{
	static const char *const directories[] = {
		"a", "a!", "a/b", "a/b/c", "empty", "many", "z", "\xff"};
	char name[64];

	(void)state;
	cli_dataset_init(&d);
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		snprintf(name, sizeof name, "source/%s", directories[i]);
		trees_directory(d.directory, name);
	}
	make("top", 7);
	make("a/one", 100);
	make("a!/one", 1000);
	make("a/b/c/deep", 20);
	make("z/large", 300000);
	make("\xff/x", 5);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "source/many/%05d", i);
		trees_text(d.directory, name, "x");
	}
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
	told[0] = '\0';
	cli_dataset_open(&d);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_dataset_close(&d);
	return 0;
}

static int tell(void *ctx, const char *path, const struct usage *u)
{
	size_t n = strlen(told);

	(void)ctx;
	snprintf(told + n, sizeof told - n, "%s %llu %llu %llu\n", path,
		(unsigned long long)u->bytes, (unsigned long long)u->entries,
		(unsigned long long)u->resident);
	return 0;
}

static void usage(const char *path, struct usage_options options)
{
	struct entry_copy e = {0};

	if (reader_find(&d.reader, path, &e, NULL, &d.trouble) ||
		usage_each(&d.reader, path, &e.entry, &options, tell, NULL, &d.trouble))
		fail_msg("%s", d.trouble.text);
	entry_copy_release(&e);
}

static void test_sums_below(void **state)
{
	(void)state;
	usage("", (struct usage_options){.depth = 1});
	assert_string_equal(told,
		"a 120 5 0\na! 1000 2 0\nmany 4000 4001 0\nz 300000 2 0\n\xff 5 2 0\n"
		" 305132 4015 0\n");
}

static void test_goes_as_deep_as_it_is_told(void **state)
{
	(void)state;
	usage("a", (struct usage_options){.depth = 9});
	usage("a", (struct usage_options){.depth = 0});
	usage("a/one", (struct usage_options){.depth = 1});
	usage("empty", (struct usage_options){.depth = 1});
	assert_string_equal(told, "a/b/c 20 2 0\na/b 20 3 0\na 120 5 0\na 120 5 0\na/one "
				  "100 1 0\nempty 0 1 0\n");
}

static uint64_t pages(void)
{
	struct cache_info i;

	assert_int_equal(cache_flush(d.reader.cache), 0);
	assert_int_equal(cache_info(d.reader.cache, &i), 0);
	return i.pages;
}

static int ignore(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	(void)ctx;
	(void)e;
	(void)rank;
	(void)t;
	return 0;
}

/* What lies between the directories is not looked at. */
static void test_fetches_what_is_on_the_way(void **state)
{
	uint64_t few;

	(void)state;
	usage("", (struct usage_options){.depth = 0});
	assert_true(pages() <= 2);
	usage("", (struct usage_options){.depth = 1});
	few = pages();
	assert_int_equal(
		reader_walk(&d.reader, 0, UINT64_MAX, ignore, NULL, &d.trouble), 0);
	assert_true(few <= 5);
	assert_true(pages() >= few + 3);
}

static void failed(void *ctx, const char *path, bool unkept, const struct trouble *t)
{
	(void)ctx;
	(void)unkept;
	fail_msg("%s: %s", path, t->text);
}

static void test_tells_what_is_in_the_cache(void **state)
{
	struct entry_copy e = {0};
	struct prefetcher *p;

	(void)state;
	assert_int_equal(prefetcher_new(&d.reader, failed, NULL, &p), 0);
	assert_int_equal(reader_find(&d.reader, "z/large", &e, NULL, &d.trouble), 0);
	assert_int_equal(prefetcher_add(p, &e.entry, &d.trouble), 0);
	entry_copy_release(&e);
	prefetcher_free(p);
	assert_int_equal(cache_flush(d.reader.cache), 0);
	usage("z", (struct usage_options){.resident = true});
	usage("z", (struct usage_options){.depth = 2, .resident = true});
	usage("a", (struct usage_options){.depth = 2, .resident = true});
	assert_string_equal(told, "z 300000 2 300000\nz 300000 2 300000\n"
				  "a/b/c 20 2 0\na/b 20 3 0\na 120 5 0\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_sums_below),
		TEST(test_goes_as_deep_as_it_is_told),
		TEST(test_fetches_what_is_on_the_way),
		TEST(test_tells_what_is_in_the_cache),
	};

	return cmocka_run_group_tests(tests, publish_all, remove_all);
}
