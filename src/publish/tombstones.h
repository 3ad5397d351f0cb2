/* SPDX-License-Identifier: MIT */
/*
 * Lists of blobs that are about to be deleted, in a store's tombstones/: gc writes them,
 * and deletes what is on one when it is as old as the grace period, unless a revision needs
 * it by then or it was put again. Who publishes meanwhile therefore puts again what it
 * relies on and finds listed, and looks once more before its manifest: tombstones_look(). A
 * list whose name begins so holds nothing, but tells that blobs are being deleted just now.
 *
 * A list is text: TOMBSTONES_HEAD, then a digest a line. One thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_TOMBSTONES_H
#define CAIRN_PUBLISH_TOMBSTONES_H

#include "publish/store.h"

#define TOMBSTONES_HEAD "cairn tombstones 1\n"
#define TOMBSTONES_DELETING "tombstones/deleting-"
#define TOMBSTONES_ROWS_MAX 16000 /* digests of a list: below a MiB */
#define TOMBSTONES_LISTS_MAX 65536

/* A list being written. Zero-initialised is empty. */
struct tombstone_list {
	struct bytes text;
	unsigned rows;
};
int tombstone_list_add(struct tombstone_list *l, const struct digest *blob);
void tombstone_list_release(struct tombstone_list *l);

/* What is not 0 stops, and is returned; not ERR_ABSENT, not ERR_CORRUPT. */
typedef int (*tombstone_fn)(void *ctx, const struct digest *blob, struct trouble *t);
/* Tells of each digest. ERR_CORRUPT. */
int tombstones_decode(struct span text, tombstone_fn each, void *ctx, struct trouble *t);

/* What was seen of them. */
struct tombstones;
struct tombstones *tombstones_new(struct store *s); /* NULL without memory */
void tombstones_free(struct tombstones *ts);	    /* may be NULL */

struct tombstones_looked {
	bool found;    /* lists that no look before this one had seen */
	bool gone;     /* one that a look before this one had seen is not there any more */
	bool deleting; /* blobs are being deleted, or who did was cut off */
};
/* Lists them, and tells of each digest of those that are new. */
int tombstones_look(struct tombstones *ts, tombstone_fn each, void *ctx,
	struct tombstones_looked *out, struct trouble *t);
/* Of the last look: files. */
size_t tombstones_lists(const struct tombstones *ts);

#endif
