/* SPDX-License-Identifier: MIT */
/*
 * Lookups and listings over the Merkle tree of pages of one revision, whatever holds the
 * pages. Called by fs/, cli/ and publish/. Any error of the page source (ERR_PENDING above
 * all) is passed on as it is, and the call can be made again. Pure but for the page source;
 * one thread per call.
 */
#ifndef CAIRN_TREE_TREE_H
#define CAIRN_TREE_TREE_H

#include "tree/page_source.h"

/* Where an entry is: its leaf, and its rank in the whole revision's order. */
struct place {
	struct digest leaf;
	uint32_t row;
	uint64_t rank;
};

/* The entry of exactly that name; the root with "" and "". ERR_ABSENT. `entry` borrows
 * from the leaf. */
int tree_find(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, struct place *place, struct entry *entry);
/* The same by path; does not follow symlinks; components that are not directories are
 * simply absent. */
int tree_find_path(const struct page_source *s, const struct digest *root, struct span path,
	struct place *place, struct entry *entry);
/* The rank of the first entry not below (parent, name); the number of entries if none.
 * With name "" and a parent: where that directory's listing begins. */
int tree_rank(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, uint64_t *rank);
/* The entry at `rank`. ERR_ABSENT past the end. Hints the next `ahead` leaves. */
int tree_at(const struct page_source *s, const struct digest *root, uint64_t rank,
	unsigned ahead, struct place *place, struct entry *entry);
/* Steps through in order from `rank`: calls `each` until it returns non-zero (returned)
 * or the end (0). Pages are asked for once each; the next `ahead` leaves are hinted. */
typedef int (*tree_each_fn)(
	void *ctx, const struct place *place, const struct entry *entry);
int tree_walk(const struct page_source *s, const struct digest *root, uint64_t rank,
	unsigned ahead, tree_each_fn each, void *ctx);
/* Hints the leaves of the entries [first, end), as far as the inner pages above them are
 * here, and the first of those that is not. `most` bounds the leaves. Returns where it
 * stopped: at `end`, or at the first entry of a leaf that was not hinted. */
uint64_t tree_hint(const struct page_source *s, const struct digest *root, uint64_t first,
	uint64_t end, unsigned most);
/* The ranks [*first, *end) of all entries below the directory `path` (itself excluded);
 * for the root: all but the root. */
int tree_subtree(const struct page_source *s, const struct digest *root, struct span path,
	uint64_t *first, uint64_t *end);
/* The ranks [*first, *end) of what is right in the directory `path`. */
int tree_children(const struct page_source *s, const struct digest *root, struct span path,
	uint64_t *first, uint64_t *end);
/* The sum of the sizes of the files at ranks [first, end), as page_bytes() has it: from the
 * subtotals, at the cost of the pages on the way to both ends. */
int tree_bytes(const struct page_source *s, const struct digest *root, uint64_t first,
	uint64_t end, uint64_t *bytes);
/* Entries in the whole tree. */
int tree_count(const struct page_source *s, const struct digest *root, uint64_t *entries);

#endif
