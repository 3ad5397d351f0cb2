/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/answer.h"

#include <errno.h>
#include <string.h>

#include "fs/entry_stat.h"

void answer_errno(struct answer *a, int errnum)
{
	a->kind = ANSWER_ERRNO;
	a->errnum = errnum;
}

void answer_bytes(
	struct answer *a, uint8_t *buffer, size_t room, const void *data, size_t size)
{
	a->size = size;
	a->kind = room ? ANSWER_BYTES : ANSWER_SIZE;
	if (room && size > room)
		answer_errno(a, ERANGE);
	else if (room && size)
		memcpy(buffer, data, size);
}

int answer_send(const struct answer *a, fuse_req_t fuse, const uint8_t *buffer)
{
	switch (a->kind) {
	case ANSWER_ENTRY:
		return fuse_reply_entry(fuse, &a->entry);
	case ANSWER_ATTR:
		return fuse_reply_attr(fuse, &a->entry.attr, FOR_EVER);
	case ANSWER_BYTES:
		return fuse_reply_buf(fuse, (const char *)buffer, a->size);
	case ANSWER_SIZE:
		return fuse_reply_xattr(fuse, a->size);
	case ANSWER_OFFSET:
		return fuse_reply_lseek(fuse, (off_t)a->offset);
	case ANSWER_ERRNO:
		break;
	}
	return fuse_reply_err(fuse, a->errnum);
}
