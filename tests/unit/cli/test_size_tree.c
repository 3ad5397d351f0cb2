/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/treemap.h"

static struct size_tree *tree;

static int set_up(void **state)
{
	(void)state;
	tree = size_tree_new();
	return tree ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	size_tree_free(tree);
	return 0;
}

static void add(const char *parent, const char *name, uint64_t bytes)
{
	const struct size_sums sums = {bytes, bytes / 2, 1, (int64_t)bytes};

	assert_int_equal(
		size_tree_add(tree, span_of_string(parent), span_of_string(name), &sums),
		0);
}

static const struct size_node *finish(size_t limit)
{
	const struct size_node *root;

	assert_int_equal(size_tree_finish(tree, limit, &root), 0);
	return root;
}

/* All children together are their parent, and the largest come first. */
static size_t check_node(const struct size_node *n)
{
	struct size_sums sums = {0};
	size_t nodes = n->count;

	for (size_t i = 0; i < n->count; i++) {
		const struct size_node *c = n->children[i];

		sums.bytes += c->sums.bytes;
		sums.files += c->sums.files;
		sums.resident += c->sums.resident;
		assert_true(i == 0 || !c->name ||
			    c->sums.bytes <= n->children[i - 1]->sums.bytes);
		assert_true(c->name || i + 1 == n->count);
		nodes += check_node(c);
	}
	if (n->count) {
		assert_int_equal(sums.bytes, n->sums.bytes);
		assert_int_equal(sums.files, n->sums.files);
		assert_int_equal(sums.resident, n->sums.resident);
	}
	return nodes;
}

static void test_is_a_tree(void **state)
{
	const struct size_node *root, *a;

	(void)state;
	add("", "top", 5);
	add("a", "one", 10);
	add("a/b/c", "deep", 100);
	add("a/bb", "two", 20);
	add("z", "three", 1);
	root = finish(100);
	assert_int_equal(check_node(root), 10);
	assert_int_equal(root->sums.bytes, 136);
	assert_int_equal(root->sums.last_use, 100);
	a = root->children[0];
	assert_string_equal(a->name, "a");
	assert_true(a->is_directory);
	assert_string_equal(a->children[0]->name, "b");
	assert_string_equal(a->children[0]->children[0]->children[0]->name, "deep");
}

static void test_is_bounded(void **state)
{
	char parent[32], name[32];
	const struct size_node *root;

	(void)state;
	for (unsigned d = 0; d < 2000; d++)
		for (unsigned f = 0; f < 100; f++) {
			snprintf(parent, sizeof parent, "d%05u/e%u", d, f / 50);
			snprintf(name, sizeof name, "f%u", f);
			add(parent, name, 1 + d * 7 % 1000 * f);
		}
	root = finish(300);
	assert_true(check_node(root) <= 300);
	assert_int_equal(root->sums.files, 200000);
}

/* A directory deeper than any screen shows. */
static void test_is_bounded_in_depth(void **state)
{
	char path[4001] = "";

	(void)state;
	for (int i = 0; i < 2000; i++)
		strcat(path, i ? "/x" : "x");
	add(path, "file", 77);
	assert_true(check_node(finish(1500)) <= 1500);
	assert_int_equal(finish(1500)->sums.bytes, 77);
}

struct drawn {
	double area;
	unsigned boxes, opened;
	struct treemap_box all;
	double bytes;
};

static int draw(void *ctx, const struct size_node *n, const char *path,
	const struct treemap_box *b, bool opened)
{
	struct drawn *d = ctx;

	(void)path;
	assert_true(b->x >= -0.001 && b->y >= -0.001);
	assert_true(b->x + b->width <= d->all.width + 0.001);
	assert_true(b->y + b->height <= d->all.height + 0.001);
	d->boxes++;
	d->opened += opened;
	if (!n->is_directory && d->bytes > 0)
		assert_true(fabs(b->width * b->height / d->all.width / d->all.height -
				    (double)n->sums.bytes / d->bytes) < 0.001);
	return 0;
}

static void test_boxes_are_as_large_as_files(void **state)
{
	struct drawn d = {.all = {0, 0, 600, 300}};
	const struct size_node *root;
	char name[16];

	(void)state;
	for (unsigned i = 1; i <= 40; i++) {
		snprintf(name, sizeof name, "f%02u", i);
		add("", name, i * i);
	}
	root = finish(100);
	d.bytes = (double)root->sums.bytes;
	assert_int_equal(treemap_lay(root, &d.all, draw, &d), 0);
	assert_int_equal(d.boxes, 40);
}

static void test_boxes_lie_within_directories(void **state)
{
	struct drawn d = {.all = {0, 0, 600, 300}};

	(void)state;
	add("", "empty", 0);
	add("a", "x", 100);
	add("a/b", "y", 1000);
	add("a/tiny", "z", 1);
	assert_int_equal(treemap_lay(finish(100), &d.all, draw, &d), 0);
	assert_int_equal(d.opened, 2);
	assert_int_equal(d.boxes, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_is_a_tree),
		TEST(test_is_bounded),
		TEST(test_is_bounded_in_depth),
		TEST(test_boxes_are_as_large_as_files),
		TEST(test_boxes_lie_within_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
