/* SPDX-License-Identifier: MIT */
/*
 * Keys come directory by directory, so only those on the way to the newest one are open. A
 * directory that is over is cut down to what could be seen of it, and then is one child of
 * its parent, which keeps the largest.
 */
#include <config.h>

#include "cli/size_tree.h"

#include <stdlib.h>
#include <string.h>

#include "format/page.h"
#include "util/error.h"

#define CHILDREN_KEPT 64 /* at least, of those that are there */
#define NODES_KEPT 512	 /* below a directory that is over */

struct size_tree {
	struct size_node **open; /* from the root on */
	size_t depth, capacity;
	struct bytes path; /* of the innermost one */
};

static void node_free(struct size_node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		node_free(n->children[i]);
	free(n->children);
	free(n->name);
	free(n);
}

/* A name of no bytes is the root's; NULL data: what was put together. */
static struct size_node *node_new(struct span name, bool is_directory)
{
	struct size_node *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->is_directory = is_directory;
	if (name.data && !(n->name = span_to_string(name))) {
		free(n);
		return NULL;
	}
	return n;
}

static void sums_add(struct size_sums *to, const struct size_sums *more)
{
	to->bytes = page_bytes_add(to->bytes, more->bytes);
	to->resident = page_bytes_add(to->resident, more->resident);
	to->files += more->files;
	if (more->last_use > to->last_use)
		to->last_use = more->last_use;
}

/* The largest first; what was put together last. */
static int node_order(const void *a, const void *b)
{
	const struct size_node *x = *(struct size_node *const *)a;
	const struct size_node *y = *(struct size_node *const *)b;

	if (!x->name != !y->name)
		return x->name ? -1 : 1;
	if (x->sums.bytes != y->sums.bytes)
		return x->sums.bytes > y->sums.bytes ? -1 : 1;
	return x->name ? strcmp(x->name, y->name) : 0;
}

static int node_append(struct size_node *n, struct size_node *child)
{
	if (n->count == n->capacity) {
		size_t capacity = n->capacity * 2 + 8;
		struct size_node **grown = realloc(
			n->children, capacity * sizeof(struct size_node *));

		if (!grown)
			return ERR_NO_MEMORY;
		n->children = grown;
		n->capacity = capacity;
	}
	n->children[n->count++] = child;
	return 0;
}

/* Puts together those from `keep` on, which are sorted, and what was so before. */
static int merge_rest(struct size_node *n, size_t keep)
{
	struct size_node *rest;

	if (keep >= n->count || (keep + 1 == n->count && !n->children[keep]->name))
		return 0;
	rest = node_new(span_of(NULL, 0), false);
	if (!rest)
		return ERR_NO_MEMORY;
	for (size_t i = keep; i < n->count; i++) {
		sums_add(&rest->sums, &n->children[i]->sums);
		node_free(n->children[i]);
	}
	n->children[keep] = rest;
	n->count = keep + 1;
	return 0;
}

static void sort_children(struct size_node *n)
{
	qsort(n->children, n->count, sizeof(struct size_node *), node_order);
}

static size_t count_nodes(const struct size_node *n)
{
	size_t count = n->count;

	for (size_t i = 0; i < n->count; i++)
		count += count_nodes(n->children[i]);
	return count;
}

/* What is smaller than `least` bytes is put together, and a directory of nothing else is a
 * leaf. */
static int cut_smaller(struct size_node *n, uint64_t least)
{
	size_t keep = 0;
	int rc;

	for (; keep < n->count && n->children[keep]->name; keep++) {
		if (n->children[keep]->sums.bytes < least)
			break;
		rc = cut_smaller(n->children[keep], least);
		if (rc)
			return rc;
	}
	if (keep)
		return merge_rest(n, keep);
	for (size_t i = 0; i < n->count; i++)
		node_free(n->children[i]);
	n->count = 0;
	return 0;
}

static int cut_to(struct size_node *n, size_t limit)
{
	uint64_t least = n->sums.bytes / (limit + 1) / 4 + 1;
	int rc = 0;

	while (!rc && count_nodes(n) > limit) {
		rc = cut_smaller(n, least);
		least = least > UINT64_MAX / 2 ? UINT64_MAX : least * 2;
	}
	return rc;
}

/* A child that is complete. Takes it over. */
static int take_child(struct size_node *n, struct size_node *child)
{
	int rc;

	sums_add(&n->sums, &child->sums);
	rc = node_append(n, child);
	if (rc) {
		node_free(child);
		return rc;
	}
	if (n->count < 2 * CHILDREN_KEPT)
		return 0;
	sort_children(n);
	return merge_rest(n, CHILDREN_KEPT);
}

static void cut_path(struct size_tree *t)
{
	while (t->path.size && t->path.data[t->path.size - 1] != '/')
		t->path.size--;
	t->path.size -= t->path.size > 0;
}

/* The innermost directory is over. */
static int close_directory(struct size_tree *t)
{
	struct size_node *n = t->open[--t->depth];
	int rc;

	cut_path(t);
	sort_children(n);
	rc = cut_to(n, NODES_KEPT);
	if (rc) {
		node_free(n);
		return rc;
	}
	return take_child(t->open[t->depth - 1], n);
}

static int open_directory(struct size_tree *t, struct span name)
{
	struct size_node *n;
	int rc = 0;

	if (t->depth == t->capacity) {
		size_t capacity = t->capacity * 2 + 16;
		struct size_node **grown = realloc(
			t->open, capacity * sizeof(struct size_node *));

		if (!grown)
			return ERR_NO_MEMORY;
		t->open = grown;
		t->capacity = capacity;
	}
	if (t->path.size)
		rc = bytes_append(&t->path, "/", 1);
	if (!rc)
		rc = bytes_append(&t->path, name.data, name.size);
	n = rc ? NULL : node_new(name, true);
	if (!n)
		return ERR_NO_MEMORY;
	t->open[t->depth++] = n;
	return 0;
}

struct size_tree *size_tree_new(void)
{
	struct size_tree *t = calloc(1, sizeof *t);

	if (t && open_directory(t, span_of_string(""))) {
		free(t->open);
		free(t);
		return NULL;
	}
	return t;
}

void size_tree_free(struct size_tree *t)
{
	if (!t)
		return;
	while (t->depth)
		node_free(t->open[--t->depth]);
	free(t->open);
	bytes_release(&t->path);
	free(t);
}

static bool is_within(struct span path, const struct bytes *directory)
{
	size_t n = directory->size;

	return n == 0 || (path.size >= n && memcmp(path.data, directory->data, n) == 0 &&
				 (path.size == n || path.data[n] == '/'));
}

/* Closes and opens directories until that one is the innermost. */
static int go_to(struct size_tree *t, struct span path)
{
	int rc = 0;

	while (!rc && t->depth > 1 && !is_within(path, &t->path))
		rc = close_directory(t);
	while (!rc && t->path.size < path.size) {
		size_t at = t->path.size + (t->path.size > 0);
		const uint8_t *from = path.data + at;
		const uint8_t *slash = memchr(from, '/', path.size - at);

		rc = open_directory(
			t, span_of(from, slash ? (size_t)(slash - from) : path.size - at));
	}
	return rc;
}

int size_tree_add(struct size_tree *t, struct span parent, struct span name,
	const struct size_sums *sums)
{
	struct size_node *n;
	int rc = go_to(t, parent);

	if (rc)
		return rc;
	n = node_new(name, false);
	if (!n)
		return ERR_NO_MEMORY;
	n->sums = *sums;
	return take_child(t->open[t->depth - 1], n);
}

int size_tree_finish(struct size_tree *t, size_t limit, const struct size_node **root)
{
	int rc = 0;

	while (!rc && t->depth > 1)
		rc = close_directory(t);
	if (rc)
		return rc;
	sort_children(t->open[0]);
	rc = cut_to(t->open[0], limit);
	if (!rc)
		*root = t->open[0];
	return rc;
}
