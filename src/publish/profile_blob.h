/* SPDX-License-Identifier: MIT */
/*
 * The profile that goes with a revision, as a blob of its store: a new one, of which only
 * what the revision has is kept, or that of the revision before. For publish.c, on the
 * tool's thread, once all pages are in the store.
 */
#ifndef CAIRN_PUBLISH_PROFILE_BLOB_H
#define CAIRN_PUBLISH_PROFILE_BLOB_H

#include "format/profile.h"
#include "publish/publication.h"

struct profile_blob {
	struct digest digest;
	uint64_t size; /* bytes; 0: there is none */
};

struct profile_told {
	size_t absent; /* files of the profile that the revision does not have */
	size_t left;   /* reads that had no room */
};

/* Puts the profile, as far as it is about files below `root`, a page of the store. */
int profile_blob_put(struct publication *p, struct store *store, const struct digest *root,
	const struct profile *profile, struct profile_blob *out, struct profile_told *told,
	struct trouble *t);
/* That of the revision before, which may be NULL. ERR_ABSENT: the store has it no more. */
int profile_blob_keep(
	struct publication *p, const struct manifest *previous, struct profile_blob *out);

#endif
