/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/blob_frame.h"
#include "util/error.h"

#define MAGIC_SIZE 4
#define CHECKSUM_SIZE 4
#define BLOCK_SIZE_MAX (128u << 10)

enum block_type { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

/* Bytes of a frame's header, whose descriptor is given. */
static unsigned frame_header_size(uint8_t descriptor)
{
	static const uint8_t dictionary_sizes[] = {0, 1, 2, 4},
			     content_sizes[] = {0, 2, 4, 8};
	bool single = descriptor >> 5 & 1;
	unsigned content = content_sizes[descriptor >> 6];

	if (single && content == 0)
		content = 1;
	return MAGIC_SIZE + 1 + !single + dictionary_sizes[descriptor & 3] + content;
}

int blob_frame_begin(
	struct span stored, uint64_t max, struct blob_head *head, struct blob_frame *out)
{
	struct blob_head decoded;
	int rc = blob_head_decode(stored, max, &decoded);
	size_t start = !rc && decoded.has_base ? BLOB_DELTA_HEAD_SIZE : 0;
	uint8_t descriptor;

	if (rc)
		return rc;
	if (stored.size <= start + MAGIC_SIZE)
		return ERR_CORRUPT;
	descriptor = stored.data[start + MAGIC_SIZE];
	*head = decoded;
	*out = (struct blob_frame){
		.at = start + frame_header_size(descriptor),
		.has_checksum = descriptor >> 2 & 1,
	};
	return 0;
}

int blob_frame_next(struct blob_frame *f, const uint8_t header[BLOCK_HEADER_SIZE])
{
	uint32_t word = (uint32_t)(header[0] | header[1] << 8 | header[2] << 16);
	enum block_type type = word >> 1 & 3;
	uint32_t size = word >> 3;

	if (type == BLOCK_RESERVED || size > BLOCK_SIZE_MAX)
		return ERR_CORRUPT;
	f->at += BLOCK_HEADER_SIZE + (type == BLOCK_RLE ? 1 : size);
	f->ended = word & 1;
	if (f->ended && f->has_checksum)
		f->at += CHECKSUM_SIZE;
	return 0;
}

int blob_frame_check(struct span stored, uint64_t max, struct blob_head *head)
{
	struct blob_head decoded;
	struct blob_frame f;
	int rc = blob_frame_begin(stored, max, &decoded, &f);

	while (!rc && !f.ended)
		rc = f.at > stored.size || stored.size - f.at < BLOCK_HEADER_SIZE
			     ? ERR_CORRUPT
			     : blob_frame_next(&f, stored.data + f.at);
	if (!rc && f.at != stored.size)
		rc = ERR_CORRUPT;
	if (!rc)
		*head = decoded;
	return rc;
}
