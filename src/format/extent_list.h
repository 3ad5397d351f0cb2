/* SPDX-License-Identifier: MIT */
/*
 * The runs of a file that has more of them than an entry holds: a tree of blobs, in the
 * store as JSON, packed for use like pages and recipes.
 *
 * leaf:  {"cairn":"extents","runs":[[offset,size],...]}
 * inner: {"cairn":"extents","level":N,"parts":[[digest,offset,end,runs,bytes],...]}
 *
 * Each has up to EXTENT_LIST_ROWS rows. Runs ascend, with a hole of a byte at least between
 * any two. Of a part: where its first run begins and its last one ends in the file, how
 * many there are, and their bytes. extent_list_builder.h makes them. Pure.
 */
#ifndef CAIRN_FORMAT_EXTENT_LIST_H
#define CAIRN_FORMAT_EXTENT_LIST_H

#include "format/entry.h"
#include "util/error.h"

#define EXTENT_LIST_ROWS 4096
#define EXTENT_LIST_LEVEL_MAX 2

/* What a list is: as the one above it has it, and as it is itself. */
struct extent_span {
	uint64_t first, end; /* of its runs, in the file */
	uint64_t runs, bytes;
};

/* A borrowed view of a packed list. */
struct extent_list {
	unsigned level;
	uint32_t count;
	struct extent_span span;
	const uint8_t *rows; /* level 0: `count` records (extent.h) */
};

/* JSON text -> packed form appended to `packed`. All is checked. ERR_CORRUPT, ERR_LIMIT
 * (over PAGE_SIZE_MAX bytes). */
int extent_list_decode(struct span text, struct bytes *packed, struct trouble *t);
/* 0 or ERR_CORRUPT. */
int extent_list_view(struct span packed, struct extent_list *out);

/* The first row that ends behind `offset` of the file; count if none. O(log rows). */
uint32_t extent_list_find(const struct extent_list *l, uint64_t offset);

/* A list that another one names. */
struct extent_part {
	struct digest digest;
	struct extent_span span;
	uint64_t before; /* bytes of the parts before it */
};
/* Above level 0: row `index`, below count. ERR_CORRUPT. */
int extent_list_part(const struct extent_list *l, uint32_t index, struct extent_part *out);
/* Is the list `l` the one that `upper` means by `part`? Else it is corrupt. */
bool extent_list_is_part(const struct extent_list *upper, const struct extent_part *part,
	const struct extent_list *l);
/* Is it the root of what `ref` says, in a file of `size` bytes? */
bool extent_list_is_root(
	const struct extent_list *l, const struct extents_ref *ref, uint64_t size);

#endif
