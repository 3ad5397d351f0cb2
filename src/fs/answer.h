/* SPDX-License-Identifier: MIT */
/*
 * What a step answers, as a value: it goes out when nothing of the cache is held any more.
 * The bytes of it lie in a buffer of who made the answer.
 */
#ifndef CAIRN_FS_ANSWER_H
#define CAIRN_FS_ANSWER_H

#include <fuse_lowlevel.h>
#include <stddef.h>
#include <stdint.h>

enum answer_kind {
	ANSWER_ERRNO,  /* errnum; a proper answer, not a failure: ENODATA, ENXIO */
	ANSWER_ENTRY,  /* entry */
	ANSWER_ATTR,   /* entry.attr */
	ANSWER_BYTES,  /* size bytes of the buffer */
	ANSWER_SIZE,   /* size, of an extended attribute */
	ANSWER_OFFSET, /* offset */
};

struct answer {
	enum answer_kind kind;
	int errnum;
	size_t size;
	uint64_t offset;
	struct fuse_entry_param entry;
};

void answer_errno(struct answer *a, int errnum);
/* The `size` bytes at `data`, put into `buffer`, of `room` bytes, or ERANGE when they do
 * not fit; `room` 0 asks for the size only. */
void answer_bytes(
	struct answer *a, uint8_t *buffer, size_t room, const void *data, size_t size);
/* Replies. 0, or the kernel did not get it. */
int answer_send(const struct answer *a, fuse_req_t fuse, const uint8_t *buffer);

#endif
