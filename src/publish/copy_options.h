/* SPDX-License-Identifier: MIT */
/*
 * What a copy of a store is asked to do, and what came of it: for store_copy.h and its
 * parts. Values; threads as the members say.
 */
#ifndef CAIRN_PUBLISH_COPY_OPTIONS_H
#define CAIRN_PUBLISH_COPY_OPTIONS_H

#include "publish/signers.h"
#include "publish/store.h"

#define COPY_NAMES_MAX 1024 /* revisions or tags that are asked for by name */

struct store_copy_counts {
	uint64_t revisions, tags;	 /* written */
	uint64_t blobs, bytes;		 /* put, as stored */
	uint64_t looked_at;		 /* blobs that were asked after */
	uint64_t revision;		 /* which is under way; 0: none */
	uint64_t left_out, lacking;	 /* revisions, for so many blobs; tags, too */
	uint64_t newest_from, newest_to; /* revisions of both, in the end; 0: none */
	struct public_key key;		 /* that signed the newest of the source */
};

struct store_copy_options {
	struct store *from, *to; /* `to` with its lock */
	uint64_t revisions[COPY_NAMES_MAX];
	size_t revision_count;
	const char *tags[COPY_NAMES_MAX];
	size_t tag_count;     /* both 0: all that the source tells of */
	struct signers trust; /* who should have signed; none: as the destination's, or
			       * anybody */
	bool replace;	      /* also a destination of another dataset or key */
	bool read_all;	      /* look also at blobs of revisions that are there, and decode
			       * what is there */
	unsigned jobs;	      /* threads */
	uint64_t memory;      /* bytes for what is known to be there; 0: 64 MiB */
	/* Any may be NULL. On the caller's thread: */
	void (*progress)(void *ctx, const struct store_copy_counts *counts);
	/* On any thread, one at a time: what is left out, or not as it should be. */
	void (*say)(void *ctx, const struct trouble *t);
	void *ctx;
};

#endif
