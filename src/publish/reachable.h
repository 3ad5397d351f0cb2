/* SPDX-License-Identifier: MIT */
/*
 * Every blob that a revision needs: its pages, the recipes and the chunks of its objects,
 * the lists of extents of its files, and its profile. For who marks, checks or copies. All
 * but chunks are read and checked: their names, that they are what is said of them where
 * they are named (level, entries, bytes, chunks, runs), every cap. Chunks are not looked
 * at: their sizes, and what a delta is based on, store_find_blob() knows. A blob that is
 * used twice is told of twice, but for what lies below a page or a recipe that was met
 * before.
 *
 * Memory: a decoded page for each thread, and what is still to be looked at, a page's rows
 * for each level and thread; besides, what the caller gives for what was met. Threads:
 * `jobs` of its own, or with one the caller's alone, then in the order of the tree.
 * Lock: one mutex over what is to be looked at, none while `each` runs. Blocks on the
 * store.
 */
#ifndef CAIRN_PUBLISH_REACHABLE_H
#define CAIRN_PUBLISH_REACHABLE_H

#include "publish/seen_digests.h"
#include "publish/store.h"

#define REACHABLE_JOBS_MAX 64

struct reached {
	enum blob_kind kind;
	struct digest digest;
	uint64_t size; /* bytes that it holds; 0: no chunk, which tells itself */
};

/* For `each` to return: what is below this page, recipe or list is known already. */
#define REACHABLE_LEAVE_OUT 1
/* 0: go on; any other but that stops, and is returned. Before the blob is read. With
 * several jobs it is called by several threads at once. */
typedef int (*reachable_fn)(void *ctx, const struct reached *blob, struct trouble *t);
/* A page, recipe or list that cannot be used, `rc` and why. 0: go on without what is below
 * it; another one stops. Threads as above. */
typedef int (*reachable_damaged_fn)(
	void *ctx, const struct reached *blob, int rc, const struct trouble *why);

struct reachable_options {
	struct store *store;
	unsigned jobs; /* up to REACHABLE_JOBS_MAX; 0: one */
	/* Pages, recipes and lists that are in it are left out, those that are met put into
	 * it; so `each` is told of them once. Of several revisions, one after the other, it
	 * makes the second cost what differs. May be NULL. */
	struct seen_digests *seen;
	reachable_fn each;
	reachable_damaged_fn damaged; /* NULL: it stops with that error */
	void *ctx;
};

/* All that `m` names. ERR_CORRUPT, ERR_ABSENT, ... with a sentence. */
int reachable_walk(
	const struct reachable_options *o, const struct manifest *m, struct trouble *t);
/* The same on the caller's thread, in the order of the tree; what is damaged stops it. */
int reachable_each(struct store *s, const struct manifest *m, reachable_fn each, void *ctx,
	struct trouble *t);

#endif
