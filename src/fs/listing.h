/* SPDX-License-Identifier: MIT */
/*
 * Directories. Their entries are a run of ranks, so an offset in a listing is a number
 * that needs no memory: 0 is before ".", 1 before "..", 2 + k before the k-th entry.
 * FUSE threads and, for what was parked, worker threads.
 */
#ifndef CAIRN_FS_LISTING_H
#define CAIRN_FS_LISTING_H

#include <fuse_lowlevel.h>

void listing_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);
void listing_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi);
/* With attributes: each entry but "." and ".." counts as a lookup. */
void listing_read_plus(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi);

#endif
