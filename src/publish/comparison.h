/* SPDX-License-Identifier: MIT */
/*
 * What is new: the entries of a tree that is being published, as they go into their pages,
 * beside those of the revision before, both in key order. For a publish that only tells.
 * Memory is that of a few pages. One thread; reads the store.
 */
#ifndef CAIRN_PUBLISH_COMPARISON_H
#define CAIRN_PUBLISH_COMPARISON_H

#include "publish/store.h"

/* One of the two may be NULL; both borrow until it returns. Not 0: stops, and is returned.
 */
typedef int (*comparison_fn)(
	void *ctx, const struct entry *before, const struct entry *after);

struct comparison;
/* `root` NULL: there is nothing before. NULL without memory. */
struct comparison *comparison_new(
	struct store *store, const struct digest *root, comparison_fn each, void *ctx);
void comparison_free(struct comparison *c);
/* The next entry. An inode of 0 is the one that follows from its name. What reading the
 * store met, and what `each` returned. */
int comparison_add(struct comparison *c, const struct entry *after);
/* There are no more. */
int comparison_finish(struct comparison *c);

#endif
