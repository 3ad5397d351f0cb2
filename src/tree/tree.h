/* SPDX-License-Identifier: MIT */
/*
 * Lookups, listings and differences over the Merkle tree of pages of one revision,
 * whatever holds the pages: an attempt on the cache, a store being published, memory.
 * Any error of the page source (ERR_PENDING above all) is passed on as it is, and the
 * call can be made again. Pure but for the page source; one thread per call.
 */
#ifndef CAIRN_TREE_TREE_H
#define CAIRN_TREE_TREE_H

#include "format/page.h"

struct page_source {
	/* The page of that digest, borrowed as long as the source's owner says. */
	int (*page)(void *ctx, const struct digest *digest, struct page *out);
	/* May be NULL: this page will be wanted soon. True: it is here already. */
	bool (*hint)(void *ctx, const struct digest *digest);
	void *ctx;
};

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
/* Entries in the whole tree. */
int tree_count(const struct page_source *s, const struct digest *root, uint64_t *entries);

/* What differs between two revisions, in key order, at the cost of the changed pages. *told
 * is how far it has come, in entries of each tree; zero to begin with. A call that is made
 * again with it goes on from there (on ERR_PENDING, or after `each` stopped it by not
 * returning 0), so each change is heard of once, and the cost is the same in however many
 * calls. */
enum tree_change { TREE_ADDED, TREE_REMOVED, TREE_CHANGED };
typedef int (*tree_diff_fn)(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after); /* the one that is not there is NULL */
struct tree_told {
	uint64_t before, after;
};
int tree_diff(const struct page_source *s, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_diff_fn each, void *ctx);
/* All attributes and the content are the same (where the content lies may differ). */
bool entry_same(const struct entry *a, const struct entry *b);

#endif
