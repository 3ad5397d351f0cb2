/* SPDX-License-Identifier: MIT */
/*
 * The chunk list of an object with more than OBJECT_LISTED_MAX chunks: a tree of blobs,
 * in the store as JSON, packed for use like pages.
 *
 * leaf:  {"cairn":"recipe","chunks":[[digest,size],...]}            up to RECIPE_ROWS
 * inner: {"cairn":"recipe","level":N,"parts":[[digest,chunks,bytes],...]}  up to
 * RECIPE_ROWS Every recipe but the last of a level is full. Pure.
 */
#ifndef CAIRN_FORMAT_RECIPE_H
#define CAIRN_FORMAT_RECIPE_H

#include "format/entry.h"
#include "util/error.h"

#define RECIPE_ROWS 4096
#define RECIPE_LEVEL_MAX 4

/* A borrowed view of a packed recipe. */
struct recipe {
	const uint8_t *data;
	size_t size;
	unsigned level;
	uint32_t count;
	uint64_t chunks; /* below it, in all */
	uint64_t bytes;
};

int recipe_decode(struct span text, struct bytes *packed, struct trouble *t);
int recipe_view(struct span packed, struct recipe *out);

/* Where an offset falls. Level 0: the chunk; above: the part that holds it. */
struct recipe_hit {
	struct digest digest; /* of the chunk's or the part's blob */
	uint64_t ordinal;     /* chunks before it */
	uint64_t start;	      /* bytes before it */
	uint64_t size;	      /* its bytes */
	uint64_t chunks;      /* in it (1 at level 0) */
};
/* ERR_ABSENT at or past the end; ERR_CORRUPT. O(log rows). */
int recipe_find(const struct recipe *r, uint64_t offset, struct recipe_hit *out);
/* The same by position in this recipe, 0..count-1. */
int recipe_at(const struct recipe *r, uint32_t index, struct recipe_hit *out);

/* Builds the recipe blobs of a chunk list (count > OBJECT_LISTED_MAX, sizes in
 * 1..CHUNK_SIZE_MAX, else ERR_INVALID). A failure of `emit` is passed on. */
typedef int (*recipe_emit_fn)(void *ctx, const struct digest *name, struct span text);
int recipe_build(const struct chunk_ref *chunks, uint64_t count, recipe_emit_fn emit,
	void *ctx, struct digest *root);

#endif
