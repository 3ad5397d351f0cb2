/* SPDX-License-Identifier: MIT */
/*
 * A mount goes from the revision that it shows to another one of its dataset
 * (doc/decisions/following.md). What stays keeps its node ids, so the kernel loses nothing
 * of it; then the views change (view.h); then the kernel is told, outside every lock, which
 * names and attributes it must ask for again.
 */
#ifndef CAIRN_FS_UPDATE_H
#define CAIRN_FS_UPDATE_H

#include "fs/filesystem.h"

struct fuse_session;

struct update_told {
	bool shown;	      /* the next revision is what is shown */
	uint64_t changes;     /* entries that differ */
	uint64_t names;	      /* that the kernel was told to forget */
	uint64_t directories; /* that it was told to look at again */
};
/* Waits for pages and for the kernel; one at a time, on a thread that answers no requests.
 * On error the view is the one of before, unless told->shown: then the kernel goes on
 * showing some of what was, until update_finish() is called, or update_run(), which begins
 * with that. Errors of the page source, with a sentence. */
int update_run(struct filesystem *fs, struct fuse_session *fuse,
	const struct manifest *next, struct update_told *told, struct trouble *t);
/* Tells the kernel what an earlier update could not, if there is such: told->names and
 * told->directories. What nobody will ever have is given up, with its error, once. As above
 * else. */
int update_finish(struct filesystem *fs, struct fuse_session *fuse,
	struct update_told *told, struct trouble *t);

#endif
