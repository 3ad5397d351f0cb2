/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/extent.h"

/* What a record holds. */
struct extent_record {
	uint64_t offset; /* in the file */
	uint64_t end;	 /* in the slice */
};

static struct extent_record record_at(const uint8_t *extents, uint32_t index)
{
	struct extent_record record;

	memcpy(&record, extents + (size_t)index * EXTENT_RECORD_SIZE, sizeof record);
	return record;
}

/* Where extent `index` begins in the slice. */
static uint64_t slice_start(const uint8_t *extents, uint32_t index)
{
	return index > 0 ? record_at(extents, index - 1).end : 0;
}

struct extent extent_at(const uint8_t *extents, uint32_t index)
{
	struct extent_record record = record_at(extents, index);

	return (struct extent){
		.offset = record.offset,
		.size = record.end - slice_start(extents, index),
	};
}

void extent_put(uint8_t *extents, uint32_t index, const struct extent *e)
{
	struct extent_record record = {
		.offset = e->offset,
		.end = slice_start(extents, index) + e->size,
	};

	memcpy(extents + (size_t)index * EXTENT_RECORD_SIZE, &record, sizeof record);
}

uint64_t extents_size(const uint8_t *extents, uint32_t count)
{
	return slice_start(extents, count);
}

uint32_t extents_find(const uint8_t *extents, uint32_t count, uint64_t offset)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct extent x = extent_at(extents, middle);

		if (x.offset + x.size > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct piece extents_map(
	const uint8_t *extents, uint32_t count, uint64_t end, uint64_t offset)
{
	uint32_t index = extents_find(extents, count, offset);
	struct extent x;

	if (index == count)
		return (struct piece){.hole = true, .size = end - offset};
	x = extent_at(extents, index);
	if (x.offset > offset)
		return (struct piece){.hole = true, .size = x.offset - offset};
	return (struct piece){
		.size = x.offset + x.size - offset,
		.object_offset = slice_start(extents, index) + offset - x.offset,
	};
}
