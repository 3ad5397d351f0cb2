/* SPDX-License-Identifier: MIT */
/*
 * Walks and differences (tree/) over the pages of a store, in bounded memory: pages are
 * kept until they are too many, then all are let go of, and it goes on where it was. For
 * whoever looks at revisions of a store without a cache. One thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_STORE_PAGES_H
#define CAIRN_PUBLISH_STORE_PAGES_H

#include "publish/store.h"
#include "tree/diff.h"
#include "tree/tree.h"

struct store_pages;
/* `s` is borrowed. `memory`: bytes of decoded pages, about; two for each level are kept
 * in any case. NULL without memory. */
struct store_pages *store_pages_new(struct store *s, uint64_t memory);
void store_pages_free(struct store_pages *p); /* may be NULL */

/* As tree_walk(): the entries from `rank` on, in order; `place->leaf` is the entry's. What
 * `each` returns other than 0 stops and is returned. Errors of the store with a sentence.
 */
int store_pages_walk(struct store_pages *p, const struct digest *root, uint64_t rank,
	tree_each_fn each, void *ctx, struct trouble *t);
/* As tree_diff(); `told` is zero to begin with, and where it goes on when `each` stopped
 * it.
 */
int store_pages_diff(struct store_pages *p, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_diff_fn each, void *ctx,
	struct trouble *t);

#endif
