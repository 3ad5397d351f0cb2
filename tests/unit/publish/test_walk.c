/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "format/names.h"
#include "publish/walk.h"
#include "unit/trees.h"

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

/* What a walk gave: "path:links " of each, and whether the order was right. */
struct seen {
	char text[65536];
	size_t size;
	uint64_t entries;
	struct key last;
	size_t longest;
	int stop_after;
};

static int see(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	static struct key key;
	struct seen *s = ctx;
	struct stat st;

	(void)t;
	assert_int_equal(key_encode(e->parent, e->name, &key), 0);
	assert_true(s->entries == 0 || key_compare(&s->last, &key) < 0);
	s->last = key;
	s->entries++;
	if (e->path_size > s->longest)
		s->longest = e->path_size;
	assert_int_equal(strlen(e->path), e->path_size);
	if (e->name.size > 0)
		assert_int_equal(fstatat(e->dirfd, (const char *)e->name.data, &st,
					 AT_SYMLINK_NOFOLLOW),
			0);
	if (s->size + e->path_size + 16 < sizeof s->text)
		s->size += (size_t)sprintf(
			s->text + s->size, "%s:%u ", e->path[0] ? e->path : ".", e->links);
	return s->stop_after && s->entries == (uint64_t)s->stop_after ? 77 : 0;
}

static int walk_it(struct walk_options *o, struct seen *s, struct trouble *t)
{
	int rc;

	o->root = open(directory, O_RDONLY | O_DIRECTORY);
	o->source = directory;
	assert_true(o->root >= 0);
	s->size = 0;
	s->text[0] = '\0';
	s->entries = 0;
	rc = walk(o, see, s, t);
	close(o->root);
	return rc;
}

static void make_tree(void)
{
	trees_directory(directory, "a");
	trees_directory(directory, "a.b");
	trees_directory(directory, "a/x");
	trees_directory(directory, "a/empty");
	trees_text(directory, "a/x/deep", "");
	trees_text(directory, "a.b/file", "");
	trees_text(directory, "a!", "");
	trees_text(directory, "z\xff", "");
	trees_text(directory, "\x01", "");
	assert_int_equal(symlink("a", trees_path(directory, "link")), 0);
}

static void test_key_order_and_links(void **state)
{
	struct walk_options o = {.links = true};
	static struct seen s;

	(void)state;
	make_tree();
	assert_int_equal(walk_it(&o, &s, NULL), 0);
	assert_string_equal(s.text,
		".:4 \x01:2 a:4 a!:2 a.b:2 link:2 z\xff:2 a/empty:2 a/x:2 "
		"a/x/deep:2 a.b/file:2 ");
}

static void test_exclude(void **state)
{
	const char *const patterns[] = {"x", "/a.b", "z*", NULL};
	struct walk_options o = {.links = true, .exclude = patterns};
	static struct seen s;

	(void)state;
	make_tree();
	assert_int_equal(walk_it(&o, &s, NULL), 0);
	assert_string_equal(s.text, ".:3 \x01:2 a:3 a!:2 link:2 a/empty:2 ");
}

static void test_patterns(void **state)
{
	const char *const base[] = {"*.o", NULL}, *const path[] = {"/build/*", NULL};
	const char *const inner[] = {"src/*.c", NULL};

	(void)state;
	assert_false(walk_excluded(NULL, "a"));
	assert_true(walk_excluded(base, "x.o"));
	assert_true(walk_excluded(base, "a/b/x.o"));
	assert_false(walk_excluded(base, "a.o/x"));
	assert_true(walk_excluded(path, "build/x"));
	assert_false(walk_excluded(path, "build"));
	assert_false(walk_excluded(path, "a/build/x"));
	assert_true(walk_excluded(inner, "src/x.c"));
	assert_false(walk_excluded(inner, "a/src/x.c"));
	assert_false(walk_excluded(inner, "src/a/x.c"));
}

static void test_each_can_stop_it(void **state)
{
	struct walk_options o = {0};
	static struct seen s = {.stop_after = 3};

	(void)state;
	make_tree();
	assert_int_equal(walk_it(&o, &s, NULL), 77);
	assert_int_equal(s.entries, 3);
}

/* Deeper than there are descriptors, and to the very end of what a path may be. */
static void test_depth(void **state)
{
	struct rlimit before, few = {64, 64};
	struct walk_options o = {.links = true};
	static struct seen s;
	int fd = open(directory, O_RDONLY | O_DIRECTORY), next;
	unsigned depth = PATH_SIZE_MAX / 2 + 1; /* "d/d/.../d": 4095 bytes */

	(void)state;
	for (unsigned i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(walk_it(&o, &s, NULL), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(s.entries, depth + 1);
	assert_int_equal(s.longest, PATH_SIZE_MAX);
	/* one more, and there is no path for it */
	assert_int_equal(mkdirat(fd, "e", 0755), 0);
	{
		struct trouble t = {0};

		assert_int_equal(walk_it(&o, &s, &t), ERR_LIMIT);
		assert_non_null(strstr(t.text, "longer than"));
		assert_non_null(strstr(t.text, "'e'"));
	}
	assert_int_equal(unlinkat(fd, "e", AT_REMOVEDIR), 0);
	for (unsigned i = 0; i < depth; i++) {
		next = openat(fd, "..", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
		assert_int_equal(unlinkat(fd, "d", AT_REMOVEDIR), 0);
	}
	close(fd);
}

static void test_the_store_within(void **state)
{
	struct stat st;
	struct walk_options o = {.store = &st};
	const char *const patterns[] = {"/a/x", NULL};
	static struct seen s;
	struct trouble t = {0};

	(void)state;
	make_tree();
	assert_int_equal(stat(trees_path(directory, "a/x"), &st), 0);
	assert_int_equal(walk_it(&o, &s, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "'a/x'"));
	o.exclude = patterns;
	assert_int_equal(walk_it(&o, &s, &t), 0);
}

static void test_an_unreadable_directory(void **state)
{
	struct walk_options o = {0};
	static struct seen s;
	struct trouble t = {0};

	(void)state;
	if (geteuid() == 0)
		skip();
	make_tree();
	assert_int_equal(chmod(trees_path(directory, "a/x"), 0), 0);
	assert_int_equal(walk_it(&o, &s, &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "'a/x'"));
	chmod(trees_path(directory, "a/x"), 0755);
}

/* When its parent is listed, `a` is taken away; when it is entered it is another. */
static int take_away(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	(void)t;
	if (strcmp(e->path, "z\xff") != 0)
		return 0;
	rename(trees_path(directory, "a"), trees_path(directory, "b"));
	if (ctx)
		assert_int_equal(symlink("/usr", trees_path(directory, "a")), 0);
	return 0;
}

static void test_a_directory_that_is_replaced(void **state)
{
	struct walk_options o = {.source = directory};
	struct trouble t = {0};

	(void)state;
	make_tree();
	o.root = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(walk(&o, take_away, NULL, &t), ERR_CHANGED);
	assert_non_null(strstr(t.text, "'a'"));
	rename(trees_path(directory, "b"), trees_path(directory, "a"));
	assert_int_equal(walk(&o, take_away, &o, &t), ERR_CHANGED);
	close(o.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_key_order_and_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exclude, set_up, tear_down),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test_setup_teardown(test_each_can_stop_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_store_within, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_an_unreadable_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_directory_that_is_replaced, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
