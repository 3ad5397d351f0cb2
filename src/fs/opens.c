/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/opens.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/filesystem.h"
#include "fs/passthrough.h"

void opens_init(struct filesystem *fs, struct fuse_conn_info *conn)
{
	const struct open_means means = {
		.elide = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT,
		.no_passthrough = passthrough_lacks(conn),
	};
	const struct totals totals = filesystem_totals(fs);
	struct open_choice choice;

	open_mode_choose(fs->open_mode, &totals, &means, &choice);
	if (!choice.as_asked)
		log_warning(fs->log, "no open=%s here: %s", open_mode_name(fs->open_mode),
			choice.reason);
	fs->open_mode = choice.mode;
	fs->open_choice = choice;
	atomic_store(&fs->open_chosen, true);
	log_info(fs->log, "open=%s: %s", open_mode_name(choice.mode), choice.reason);
	if (choice.mode == OPEN_PASSTHROUGH)
		passthrough_want(fs, conn);
}

static int find_backing(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node, int *used)
{
	int id, rc;

	if (backings_join(&fs->backings, node, used))
		return 0;
	id = passthrough_open(fs, fuse, node);
	rc = backings_open(&fs->backings, node, id, used);
	if (rc || *used != id)
		passthrough_close(fuse, id);
	return rc;
}

static void open_backed(
	struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	int id;

	if (find_backing(fs, fuse, node, &id)) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	passthrough_set(fi, id);
	/* Then the connection is gone, and its ids with it: there will be no release. */
	if (fuse_reply_open(fuse, fi))
		backings_close(&fs->backings, node);
}

void opens_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
		fuse_reply_err(fuse, EROFS);
	} else if (fs->open_mode == OPEN_ELIDE) {
		fuse_reply_err(fuse, ENOSYS); /* nor will it ask for any other */
	} else if (fs->open_mode == OPEN_PASSTHROUGH) {
		open_backed(fs, fuse, node, fi);
	} else {
		fi->keep_cache = 1;
		fuse_reply_open(fuse, fi);
	}
}

void opens_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	(void)fi;
	if (fs->open_mode == OPEN_PASSTHROUGH)
		passthrough_close(fuse, backings_close(&fs->backings, node));
	fuse_reply_err(fuse, 0);
}
