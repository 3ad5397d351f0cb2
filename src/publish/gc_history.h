/* SPDX-License-Identifier: MIT */
/*
 * For gc.c: the revisions and tags of a store, which of them go by a policy, and their
 * removal. Tags go before the revisions that they are on, and those, durably, before any
 * blob: so a tag never leads nowhere, and a revision that is there is whole. One thread.
 */
#ifndef CAIRN_PUBLISH_GC_HISTORY_H
#define CAIRN_PUBLISH_GC_HISTORY_H

#include "publish/gc_options.h"

struct gc_tag {
	char name[TAG_NAME_MAX + 1];
	uint64_t revision;
};

/* Zero-initialised is empty. */
struct gc_history {
	struct gc_revision *revisions; /* the highest number first */
	size_t count, capacity;
	struct gc_tag *tags;
	size_t tag_count, tag_capacity;
	uint64_t newest;
};

/* Reads all, and decides. To be released also after a failure. */
int gc_history_read(struct gc_history *h, const struct gc_options *o, struct trouble *t);
void gc_history_release(struct gc_history *h);
/* Removes what goes, durably; with dry_run only counts. */
int gc_history_remove(const struct gc_history *h, const struct gc_options *o,
	struct gc_result *out, struct trouble *t);

#endif
