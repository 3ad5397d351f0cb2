/* SPDX-License-Identifier: MIT */
/*
 * A copy of a store under way, for the parts of store_copy.h. One thread.
 */
#ifndef CAIRN_PUBLISH_COPY_RUN_H
#define CAIRN_PUBLISH_COPY_RUN_H

#include "publish/copy_options.h"
#include "publish/store_names.h"

struct revision_copy;

/* Owns what is not the options'. */
struct copy_run {
	const struct store_copy_options *o;
	struct store_copy_counts *counts;
	struct bytes from_text, to_text; /* manifest.json of both */
	struct manifest *from, *to;	 /* `to` NULL: nothing is there yet */
	struct store_version seen;	 /* of the destination's */
	struct store_revisions revisions;
	struct revision_copy *revision;
	uint64_t newest; /* whole in the destination; 0: none of the source's */
	struct bytes newest_text;
};

/* Counts it, and says why. */
void copy_leave_out(struct copy_run *c, const struct trouble *t);

/* copy_tags.c: The revision that a tag of the source names. */
int copy_tag_revision(
	struct copy_run *c, const char *name, uint64_t *out, struct trouble *t);
/* The tags, once the revisions are there. */
int copy_tags(struct copy_run *c, struct trouble *t);

#endif
