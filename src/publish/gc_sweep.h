/* SPDX-License-Identifier: MIT */
/*
 * For gc.c: the lists of a store and its blobs, by what gc_marks.h knows of them. What no
 * revision needs is put on a list, or deleted when it is on one that is due. One thread;
 * blocks on the store.
 */
#ifndef CAIRN_PUBLISH_GC_SWEEP_H
#define CAIRN_PUBLISH_GC_SWEEP_H

#include "publish/gc_marks.h"
#include "publish/tombstones.h"

/* A list of the store when gc began. */
struct gc_list {
	char path[STORE_PATH_MAX];
	bool due;
};

struct gc_sweep {
	const struct gc_options *o;
	struct gc_result *result;
	int64_t now; /* by the store's clock: ns since 1970 */
	struct gc_list *lists;
	size_t count, capacity;
	bool any_due;
	int64_t oldest_due; /* when it was written: what is as young was put again */
	char marker[STORE_PATH_MAX]; /* of this run; "": it has made none */
	struct tombstone_list list;  /* being written */
	char prefix[32];
	unsigned serial; /* of the next one */
};

/* What lists are there, and what time it is; tells publishers that blobs are about to be
 * deleted, when a list is due. To be ended also after a failure. */
int gc_sweep_begin(struct gc_sweep *s, const struct gc_options *o, struct gc_result *result,
	struct trouble *t);
/* Sets the flags of what is on lists. */
int gc_sweep_flag(struct gc_sweep *s, struct gc_marks *m, struct trouble *t);
/* Goes through the blobs of the pass' range. */
int gc_sweep_range(
	struct gc_sweep *s, struct gc_marks *m, uint64_t first, struct trouble *t);
/* Once all are swept: lists that are due have had their use. */
int gc_sweep_finish(struct gc_sweep *s, struct trouble *t);
void gc_sweep_end(struct gc_sweep *s);

#endif
