/* SPDX-License-Identifier: MIT */
/*
 * From the walk's entries, in key order, to the tree of pages. The tool's thread adds
 * entries, forms units of work, and puts what is finished into pages in that same order;
 * the workers read, hash, compress and write. So the tree does not depend on their
 * number. What waits in between is bounded: when it is too much the tool's thread waits
 * for the first entry in line. Entries that turn out to be gone, or that cannot be read,
 * are left out and counted or told of.
 */
#ifndef CAIRN_PUBLISH_PIPELINE_H
#define CAIRN_PUBLISH_PIPELINE_H

#include "publish/comparison.h"
#include "publish/hardlinks.h"
#include "publish/index.h"
#include "publish/progress.h"
#include "publish/publication.h"
#include "publish/unreadable.h"
#include "publish/walk.h"

struct pipeline_options {
	struct publication *publication;  /* all that the pipeline is given is borrowed */
	struct hardlinks *hardlinks;	  /* counted */
	struct unreadable *unreadable;	  /* told of all that cannot be read */
	struct index *index;		  /* or NULL */
	struct comparison *comparison;	  /* is given each entry; or NULL */
	uint64_t memory;		  /* bytes of entries that may wait */
	struct publish_progress progress; /* with the totals */
	void (*report)(void *ctx, const struct publish_progress *p); /* or NULL */
	void *ctx;
};

struct pipeline;
int pipeline_new(const struct pipeline_options *options, struct pipeline **out);
/* The publication's workers have been joined. */
void pipeline_free(struct pipeline *p);
/* A walk_fn; `ctx` is the pipeline. */
int pipeline_add(void *ctx, const struct walk_entry *e, struct trouble *t);
/* What the walk leaves out: its leave_out. */
int pipeline_leave_out(void *ctx, const char *path, int rc, const char *why);
struct pipeline_result {
	struct digest root;
	struct first_pages first;
	struct totals totals; /* but for `stored` */
	uint64_t vanished;    /* names that were gone when it was their turn */
	bool extent_lists;    /* some file's runs stand in a list */
};
/* Waits for all entries. Some page blobs may still be with the workers: join them before
 * the store is synced. */
int pipeline_finish(struct pipeline *p, struct pipeline_result *out, struct trouble *t);

#endif
