/* SPDX-License-Identifier: MIT */
/*
 * A tree of sizes as rectangles in one another, each as large as its bytes: squarified
 * (Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000). For the report of the cache.
 * Pure.
 */
#ifndef CAIRN_CLI_TREEMAP_H
#define CAIRN_CLI_TREEMAP_H

#include "cli/size_tree.h"

struct treemap_box {
	double x, y, width, height;
};

/* `path` is that of the directory around it, "" the root's. `opened`: it is a directory
 * whose children come next, within it, below a strip of TREEMAP_HEAD. Non-zero stops and
 * is returned. */
typedef int (*treemap_fn)(void *ctx, const struct size_node *n, const char *path,
	const struct treemap_box *box, bool opened);
#define TREEMAP_HEAD 15.0
/* Of what is in the root. ERR_NO_MEMORY. */
int treemap_lay(const struct size_node *root, const struct treemap_box *box,
	treemap_fn each, void *ctx);

#endif
