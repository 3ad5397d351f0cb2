/* SPDX-License-Identifier: MIT */
/*
 * Takes the runs of one file in order, as they are found, and makes of them what its entry
 * says: nothing, records, or a list in blobs of its own (extent_list.h). Holds no more than
 * some rows of each level, however many runs there are. Where a list is cut depends on
 * the runs around, so that an edit changes the lists around it alone. Called by publish/.
 * Pure but for `emit`; one thread at a time.
 */
#ifndef CAIRN_FORMAT_EXTENT_LIST_BUILDER_H
#define CAIRN_FORMAT_EXTENT_LIST_BUILDER_H

#include "format/extent_list.h"

/* A leaf ends behind a run when it has so many, and the first 32 bits of the SHA-256 of the
 * run's text say so; or when it has EXTENT_LIST_ROWS. */
#define EXTENT_LIST_MIN 2048
#define EXTENT_LIST_CUT_ONE_IN 1024

struct extent_list_builder;
/* A finished list: its JSON text, borrowed for the call, and the digest that names it. What
 * is not 0 is passed on. */
typedef int (*extent_list_emit_fn)(void *ctx, const struct digest *name, struct span text);

struct extent_list_builder *extent_list_builder_new(void); /* NULL without memory */
void extent_list_builder_free(struct extent_list_builder *b);
/* Begins with the next file. */
void extent_list_builder_reset(
	struct extent_list_builder *b, extent_list_emit_fn emit, void *ctx);
/* A run (of at least a byte) at or behind the end of the one before; joined to it when they
 * touch. ERR_INVALID: it is before that end, or ends beyond ENTRY_SIZE_MAX; ERR_LIMIT: over
 * EXTENT_RUNS_MAX runs; ERR_NO_MEMORY; any error of emit. */
int extent_list_builder_add(struct extent_list_builder *b, struct extent run);

/* All runs of a file. */
struct extents_made {
	uint64_t size;		 /* bytes */
	uint32_t count;		 /* of the records; 0: see list */
	const uint8_t *extents;	 /* borrowed from the builder, until the next reset */
	struct extents_ref list; /* count 0: there is none */
};
int extent_list_builder_finish(struct extent_list_builder *b, struct extents_made *out);

#endif
