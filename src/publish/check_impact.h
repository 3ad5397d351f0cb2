/* SPDX-License-Identifier: MIT */
/*
 * Where rotten blobs are needed: a walk over the entries of all revisions that a check
 * found good, at the cost of the pages; those below which nothing is hit are walked once.
 * Bounded memory. One thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_CHECK_IMPACT_H
#define CAIRN_PUBLISH_CHECK_IMPACT_H

#include "publish/check_run.h"

struct impact_hit {
	uint64_t revision;
	struct span path; /* of the file; of the last entry, where a page is lost */
	const struct entry *entry; /* NULL: a page is lost */
	struct digest blob;	   /* which it is */
	uint64_t start, size; /* of the blob in the object; of a page: `size` entries */
};
/* All is borrowed. What is not 0 stops, and is returned. */
typedef int (*impact_fn)(void *ctx, const struct impact_hit *hit);

/* In the order of the revisions, the newest first, then of the tree. */
int impact_each(struct check_run *c, const struct rotten_blob *rotten, size_t count,
	impact_fn each, void *ctx, struct trouble *t);

#endif
