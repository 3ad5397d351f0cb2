/* SPDX-License-Identifier: MIT */
/*
 * Where other revisions than the one that a mount shows come from: who makes the mount says
 * so, since fs/ asks no server itself (dot_cairn.h).
 */
#ifndef CAIRN_FS_REVISION_SOURCE_H
#define CAIRN_FS_REVISION_SOURCE_H

#include "format/manifest.h"

/* Borrowed; constant. */
struct revision_source {
	/* The manifest, verified, of that revision, else of that tag, else the newest: to
	 * be freed. Blocks, at most that long; one thread at a time. ERR_ABSENT: the store
	 * has none; and what goes wrong, with a sentence. */
	int (*bring)(void *ctx, uint64_t revision, const char *tag, int64_t deadline_ns,
		struct manifest **out, struct trouble *t);
	/* Has bring() come back, now and ever after. Any thread. */
	void (*end)(void *ctx);
	void *ctx;
};

#endif
