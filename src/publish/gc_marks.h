/* SPDX-License-Identifier: MIT */
/*
 * For gc.c: which blobs the revisions need that are kept, and which are on lists, a range
 * of digests after the other, as memory allows. Of a blob that is stored as a delta its
 * base is needed, too. One thread calls; reachable_walk()'s call back. Blocks on the store.
 */
#ifndef CAIRN_PUBLISH_GC_MARKS_H
#define CAIRN_PUBLISH_GC_MARKS_H

#include <stdatomic.h>

#include "publish/digest_flags.h"
#include "publish/gc_history.h"
#include "publish/reachable.h"

#define GC_NEEDED 1u
#define GC_DUE 2u     /* on a list that is older than the grace period */
#define GC_WAITING 4u /* on a younger one */

struct gc_marks {
	const struct gc_options *o;
	const struct gc_history *history;
	struct digest_flags *flags; /* of this pass' range */
	struct digest_flags *bases; /* all that were met in the first pass... */
	bool all_bases;		    /* ...if they found place */
	struct seen_digests *seen;
	unsigned pass;		/* from 1 */
	atomic_ullong unusable; /* blobs that a delta may be, and cannot be looked at */
};

int gc_marks_init(
	struct gc_marks *m, const struct gc_options *o, const struct gc_history *history);
void gc_marks_release(struct gc_marks *m);
/* Begins a pass, from `first` to `last` at most: see digest_flags_begin(). */
void gc_marks_begin(struct gc_marks *m, uint64_t first, uint64_t last);
/* All that is needed. */
int gc_marks_walk(struct gc_marks *m, struct trouble *t);

#endif
