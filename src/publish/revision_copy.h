/* SPDX-License-Identifier: MIT */
/*
 * All blobs of one revision after the other, from one store into another, for
 * store_copy.h: pages and recipes on the walk's threads, each before it is read in the
 * destination; chunks on others of its own. What revisions share is looked at once.
 */
#ifndef CAIRN_PUBLISH_REVISION_COPY_H
#define CAIRN_PUBLISH_REVISION_COPY_H

#include "publish/copy_options.h"

struct revision_copy;
/* `options` and `counts` are borrowed. ERR_NO_MEMORY, ERR_NO_THREADS. */
int revision_copy_new(const struct store_copy_options *options,
	struct store_copy_counts *counts, struct revision_copy **out);
void revision_copy_free(struct revision_copy *r); /* may be NULL */
/* *lacking: blobs that the source does not have right, of which `say` was told. Other
 * failures are an end. */
int revision_copy_run(struct revision_copy *r, const struct manifest *m, uint64_t *lacking,
	struct trouble *t);

#endif
