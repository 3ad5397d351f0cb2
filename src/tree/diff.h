/* SPDX-License-Identifier: MIT */
/*
 * What differs between two revisions, in key order, at the cost of the changed pages. For
 * whoever goes from one to the other. Any error of the page source is passed on; then
 * the call can be made again. Pure but for the page source; one thread per call.
 */
#ifndef CAIRN_TREE_DIFF_H
#define CAIRN_TREE_DIFF_H

#include "tree/page_source.h"

enum tree_change { TREE_ADDED, TREE_REMOVED, TREE_CHANGED };
/* The one that is not there is NULL; both borrow until it returns. */
typedef int (*tree_diff_fn)(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after);
/* How far a difference has come, in entries of each tree; zero to begin with. */
struct tree_told {
	uint64_t before, after;
};
/* Tells `each` of every change. A call that is made again with *told goes on from there (on
 * ERR_PENDING, or after `each` stopped it by not returning 0, which is returned), so each
 * change is heard of once, and the cost is the same in however many calls. */
int tree_diff(const struct page_source *s, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_diff_fn each, void *ctx);

/* Tells `each` of the leaves of `before` that are looked into for that: all that are not in
 * `after`, and maybe some more, maybe twice. As above else. */
typedef int (*tree_leaf_fn)(void *ctx, const struct digest *leaf);
int tree_diff_leaves(const struct page_source *s, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_leaf_fn each, void *ctx);

#endif
