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
	struct ignore *g = ignore_new();
	struct walk_options o = {.links = true, .ignore = g};
	static struct seen s;

	(void)state;
	make_tree();
	assert_int_equal(ignore_exclude(g, "x"), 0);
	assert_int_equal(ignore_exclude(g, "/a.b/"), 0);
	assert_int_equal(ignore_exclude(g, "z*"), 0);
	assert_int_equal(walk_it(&o, &s, NULL), 0);
	assert_string_equal(s.text, ".:3 \x01:2 a:3 a!:2 link:2 a/empty:2 ");
	/* what leads to an included name is there, and nothing else of it */
	assert_int_equal(ignore_exclude(g, "/a/"), 0);
	assert_int_equal(ignore_include(g, "/a/x/deep"), 0);
	assert_int_equal(walk_it(&o, &s, NULL), 0);
	assert_string_equal(s.text, ".:3 \x01:2 a:3 a!:2 link:2 a/x:2 a/x/deep:2 ");
	ignore_free(g);
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
	struct ignore *g = ignore_new();
	static struct seen s;
	struct trouble t = {0};

	(void)state;
	make_tree();
	assert_int_equal(stat(trees_path(directory, "a/x"), &st), 0);
	assert_int_equal(walk_it(&o, &s, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "'a/x'"));
	assert_int_equal(ignore_exclude(g, "/a/x"), 0);
	o.ignore = g;
	assert_int_equal(walk_it(&o, &s, &t), 0);
	ignore_free(g);
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

/* What a walk left out: "path:code ". */
struct left {
	char text[1024];
	const char *instead; /* what is in the place of `a` when it is entered */
	struct seen seen;
};

static int leave_out(void *ctx, const char *path, int rc, const char *why)
{
	struct left *l = ctx;

	(void)why;
	snprintf(l->text + strlen(l->text), sizeof l->text - strlen(l->text), "%.99s:%d ",
		path, rc);
	return 0;
}

/* When its parent is listed, `a` is taken away; when it is entered it is another. */
static int take_away(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct left *l = ctx;
	int rc = see(&l->seen, e, t);

	if (strcmp(e->path, "z\xff") != 0)
		return rc;
	rename(trees_path(directory, "a"), trees_path(directory, "b"));
	if (strcmp(l->instead, "link") == 0)
		assert_int_equal(symlink("/usr", trees_path(directory, "a")), 0);
	if (strcmp(l->instead, "other") == 0 || strcmp(l->instead, "closed") == 0) {
		trees_directory(directory, "a");
		trees_text(directory, "a/new", "");
		if (strcmp(l->instead, "closed") == 0)
			chmod(trees_path(directory, "a"), 0700);
	}
	return rc;
}

static void walk_while_taken_away(const char *instead, int left_out, const char *last)
{
	struct walk_options o = {.source = directory, .leave_out = leave_out};
	static struct left l;
	struct trouble t = {0};
	char code[64];

	l = (struct left){.instead = instead};
	make_tree();
	o.root = open(directory, O_RDONLY | O_DIRECTORY);
	if (walk(&o, take_away, &l, &t))
		fail_msg("%s", t.text);
	close(o.root);
	code[0] = '\0';
	if (left_out)
		snprintf(code, sizeof code, "a:%d ", left_out);
	assert_string_equal(l.text, code);
	if (!strstr(l.seen.text, last))
		fail_msg("not in %s: %s", l.seen.text, last);
	trees_remove(directory);
	directory = trees_new();
}

/* It is an empty one, unless another has come that anybody could read as well. */
static void test_a_directory_that_is_replaced(void **state)
{
	struct walk_options o = {.source = directory};
	struct trouble t = {0};
	static struct left l;

	(void)state;
	walk_while_taken_away("nothing", ERR_ABSENT, "z\xff:2 a.b/file:2 ");
	walk_while_taken_away("link", ERR_ABSENT, "z\xff:2 a.b/file:2 ");
	walk_while_taken_away("closed", ERR_CHANGED, "z\xff:2 a.b/file:2 ");
	walk_while_taken_away("other", 0, "z\xff:2 a/new:2 a.b/file:2 ");
	/* where nobody wants to hear of it, it ends the walk */
	make_tree();
	l = (struct left){.instead = "nothing"};
	o.source = directory;
	o.root = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(walk(&o, take_away, &l, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, "'a'"));
	close(o.root);
}

/* An entry that is not taken is not entered either. */
static int refuse(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	int rc = see(ctx, e, t);

	return strcmp(e->path, "a") == 0 ? WALK_NOT_TAKEN : rc;
}

static void test_what_is_not_taken(void **state)
{
	struct walk_options o = {.source = directory};
	static struct seen s;

	(void)state;
	make_tree();
	o.root = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(walk(&o, refuse, &s, NULL), 0);
	close(o.root);
	assert_non_null(strstr(s.text, "a.b/file"));
	assert_null(strstr(s.text, "a/x"));
}

static int see_left(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct left *l = ctx;

	return see(&l->seen, e, t);
}

static void test_leaves_out_what_is_unreadable(void **state)
{
	struct walk_options o = {.source = directory, .leave_out = leave_out};
	static struct left l = {.instead = ""};
	char left_out[64];

	(void)state;
	if (geteuid() == 0)
		skip();
	make_tree();
	chmod(trees_path(directory, "a/x"), 0);
	chmod(trees_path(directory, "a.b"), 0444); /* its names, and no more */
	o.root = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(walk(&o, see_left, &l, NULL), 0);
	close(o.root);
	snprintf(left_out, sizeof left_out, "a/x:%d a.b/file:%d ", ERR_DENIED, ERR_DENIED);
	chmod(trees_path(directory, "a/x"), 0755);
	chmod(trees_path(directory, "a.b"), 0755);
	assert_string_equal(l.text, left_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_key_order_and_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exclude, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_can_stop_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_store_within, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_an_unreadable_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_directory_that_is_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_leaves_out_what_is_unreadable, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
