/* SPDX-License-Identifier: MIT */
/*
 * The data runs of a sparse file, ascending and apart from each other, as packed records:
 * what is looked up by offset, in an entry that has them all and in a list of them
 * (extent_list.h). Plain values; pure.
 */
#ifndef CAIRN_FORMAT_EXTENT_H
#define CAIRN_FORMAT_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

/* A run of data (not hole) in a sparse file. */
struct extent {
	uint64_t offset;
	uint64_t size;
};

/* A record is two 8-byte native integers: where the run begins in the file, and where it
 * ends in the slice (so that a search needs no sum). Hence put in ascending order of
 * `index`, each after its predecessor. Records are unaligned. */
#define EXTENT_RECORD_SIZE 16
struct extent extent_at(const uint8_t *extents, uint32_t index);
void extent_put(uint8_t *extents, uint32_t index, const struct extent *e);
/* The bytes of all `count` of them together. */
uint64_t extents_size(const uint8_t *extents, uint32_t count);
/* The first that ends behind `offset`; `count` if none. O(log count). */
uint32_t extents_find(const uint8_t *extents, uint32_t count, uint64_t offset);

/* A piece of a file. */
struct piece {
	bool hole;
	uint64_t size;		/* bytes, at least 1 */
	uint64_t object_offset; /* data: where in the object */
};
/* The piece that begins at `offset`, which is below `end`: to the end of the run, or of the
 * hole, which ends at `end` behind the last run. Its object_offset counts from the first
 * run's. O(log count). */
struct piece extents_map(
	const uint8_t *extents, uint32_t count, uint64_t end, uint64_t offset);

#endif
