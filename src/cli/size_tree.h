/* SPDX-License-Identifier: MIT */
/*
 * The directories and files of a dataset by size, with what is small put together: bounded
 * memory, whatever the dataset has. For the report of the cache. Pure; one thread.
 */
#ifndef CAIRN_CLI_SIZE_TREE_H
#define CAIRN_CLI_SIZE_TREE_H

#include <stdbool.h>

#include "util/bytes.h"

struct size_sums {
	uint64_t bytes, resident; /* of files, and what of it is in the cache */
	uint64_t files;
	int64_t last_use; /* the latest, seconds since 1970; 0: never */
};

struct size_node {
	char *name; /* a component of the path; NULL: several that are small */
	struct size_sums sums;
	bool is_directory;
	struct size_node **children; /* the largest first; may be fewer than there were */
	size_t count, capacity;
};

struct size_tree;
struct size_tree *size_tree_new(void); /* NULL without memory */
void size_tree_free(struct size_tree *t);
/* A file; in the order of keys, as a dataset has them. ERR_NO_MEMORY. */
int size_tree_add(struct size_tree *t, struct span parent, struct span name,
	const struct size_sums *sums);
/* All is there: the root, with at most `limit` nodes below it; borrowed until the tree is
 * freed. ERR_NO_MEMORY. */
int size_tree_finish(struct size_tree *t, size_t limit, const struct size_node **root);

#endif
