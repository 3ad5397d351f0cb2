/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/reads.h"

#include <errno.h>

#include "cache/file_map.h"
#include "fs/ahead.h"
#include "fs/filesystem.h"
#include "fs/request_run.h"
#include "fs/request_try.h"

static int reads_step(struct request *r, struct request_try *t)
{
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	ahead_see(r, &e);
	t->answer.kind = ANSWER_BYTES;
	return file_read(&t->attempt, &e, r->offset, t->buffer, r->size, &t->answer.size);
}

static const struct request_kind read_kind = {.name = "read",
	.meter = METER_READ,
	.step = reads_step,
	.after = ahead_fetch,
	.asked_twice = true};

void reads_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	struct request r = {
		.kind = &read_kind,
		.offset = (uint64_t)offset,
		.size = size,
	};

	(void)fi; /* where opens are not sent it tells nothing */
	if (offset < 0 || size == 0 || size > BUFFER_SIZE)
		fuse_reply_err(fuse, EINVAL);
	else if (node == FUSE_ROOT_ID)
		fuse_reply_err(fuse, EISDIR);
	else
		request_run(&r, fuse, node);
}
