/* SPDX-License-Identifier: MIT */
/*
 * How long a stored blob has to be, told by its frame's blocks (RFC 8878, 3.1.1) without
 * decompressing them: each block's header says where the next one is. So a file that was
 * cut, or goes on after its end, is found by a few bytes of it. Pure; any thread.
 */
#ifndef CAIRN_FORMAT_BLOB_FRAME_H
#define CAIRN_FORMAT_BLOB_FRAME_H

#include "format/blob.h"

#define BLOCK_HEADER_SIZE 3

struct blob_frame {
	uint64_t at; /* bytes from the blob's start: of the next block's header, or its end
		      */
	bool ended;
	bool has_checksum;
};

/* As blob_head_decode(), and where the first block is. `stored`: at least the head. */
int blob_frame_begin(
	struct span stored, uint64_t max, struct blob_head *head, struct blob_frame *out);
/* Takes the header at f->at. ERR_CORRUPT: it is none. */
int blob_frame_next(struct blob_frame *f, const uint8_t header[BLOCK_HEADER_SIZE]);
/* Is a blob whole, all of which is in memory? 0 or ERR_CORRUPT, ERR_LIMIT. */
int blob_frame_check(struct span stored, uint64_t max, struct blob_head *head);

#endif
