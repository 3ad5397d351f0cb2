/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/selection.h"
#include "unit/cli_dataset.h"

static struct cli_dataset d;

static int set_up(void **state)
{
	static const char *const directories[] = {"a", "a/b", "a/b/c", "z"};
	static const char *const files[] = {"top.h", "top.c", "a/one.h", "a/two.c",
		"a/b/one.h", "a/b/c/deep.h", "z/[x].h", "z/x.h", "z/star*", "z/starfish"};
	char name[64];

	(void)state;
	cli_dataset_init(&d);
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		snprintf(name, sizeof name, "source/%s", directories[i]);
		trees_directory(d.directory, name);
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(name, sizeof name, "source/%s", files[i]);
		trees_text(d.directory, name, files[i]);
	}
	cli_dataset_publish(&d);
	cli_dataset_open(&d);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_dataset_close(&d);
	cli_dataset_release(&d);
	return 0;
}

static int note(void *ctx, const char *path, const struct entry *e, uint64_t rank,
	struct trouble *t)
{
	struct entry_copy copy = {0};
	uint64_t real;

	(void)e;
	/* The rank is that of the path. */
	assert_int_equal(reader_find(&d.reader, path, &copy, &real, t), 0);
	assert_int_equal(rank, real);
	entry_copy_release(&copy);
	strcat(strcat(ctx, path), " ");
	return 0;
}

static void selects(const char *text, const char *want)
{
	char got[512] = "";

	if (selection_each(&d.reader, text, note, got, &d.trouble))
		fail_msg("%s: %s", text, d.trouble.text);
	assert_string_equal(got, want);
}

static void selects_nothing(const char *text)
{
	char got[512] = "";
	struct trouble t = {0};

	assert_int_equal(selection_each(&d.reader, text, note, got, &t), ERR_ABSENT);
	assert_true(t.text[0]);
	assert_string_equal(got, "");
}

static void test_plain_paths(void **state)
{
	(void)state;
	selects("", " ");
	selects("/", " ");
	selects("a/b", "a/b ");
	selects("./a//one.h", "a/one.h ");
	selects_nothing("none");
	selects_nothing("a/one");
	selects_nothing("top.h/x");
}

static void test_one_component(void **state)
{
	(void)state;
	selects("*.h", "top.h ");
	selects("*", "a top.c top.h z ");
	selects("a/*.h", "a/one.h ");
	selects("a/?n*", "a/one.h ");
	selects("z/[wx].h", "z/x.h ");
	selects_nothing("a/*.x");
	selects_nothing("none/*");
	selects_nothing("top.h/*");
}

static void test_several_components(void **state)
{
	(void)state;
	selects("*/one.h", "a/one.h ");
	selects("*/*/*.h", "a/b/one.h ");
	selects("a/*/*", "a/b/c a/b/one.h ");
}

static void test_across_components(void **state)
{
	(void)state;
	selects("**.c", "top.c a/two.c ");
	selects("a/**.h", "a/one.h a/b/one.h a/b/c/deep.h ");
	selects("a/**/deep.h", "a/b/c/deep.h ");
}

/* A name with such characters in it is that name before it is a pattern. */
static void test_names_that_look_like_patterns(void **state)
{
	(void)state;
	selects("z/[x].h", "z/[x].h ");
	selects("z/star*", "z/star* ");
	selects("z/sta*", "z/star* z/starfish ");
}

static int stop(void *ctx, const char *path, const struct entry *e, uint64_t rank,
	struct trouble *t)
{
	(void)path;
	(void)e;
	(void)rank;
	++*(int *)ctx;
	return trouble_set(t, ERR_NO_SPACE, "full");
}

static void test_an_error_stops(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(
		selection_each(&d.reader, "**", stop, &calls, &d.trouble), ERR_NO_SPACE);
	assert_int_equal(calls, 1);
	assert_string_equal(d.trouble.text, "full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_paths),
		cmocka_unit_test(test_one_component),
		cmocka_unit_test(test_several_components),
		cmocka_unit_test(test_across_components),
		cmocka_unit_test(test_names_that_look_like_patterns),
		cmocka_unit_test(test_an_error_stops),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
