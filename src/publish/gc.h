/* SPDX-License-Identifier: MIT */
/*
 * Prunes a store: removes the revisions that no rule keeps, then the blobs that no revision
 * needs, in two steps. First they are put on a list in the store (tombstones.h), and when
 * that is as old as the grace period they are deleted, by this run or by a later one,
 * unless a revision needs them by then or somebody has put them again. It may be killed at
 * any moment, and run beside publishers and readers: whatever revision is in the store is
 * whole. Blocking; starts and joins threads of its own. Memory is bounded by `memory`.
 */
#ifndef CAIRN_PUBLISH_GC_H
#define CAIRN_PUBLISH_GC_H

#include "publish/gc_options.h"

/* ERR_ABSENT: nothing was published there. ERR_CORRUPT: a revision that is to be kept, or a
 * tag, cannot be read, so nothing is deleted. */
int gc_run(const struct gc_options *o, struct gc_result *out, struct trouble *t);

#endif
