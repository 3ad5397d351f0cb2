/* SPDX-License-Identifier: MIT */
/*
 * Contents of files, and what is fetched ahead of a sequential reader. The open file is
 * only its readahead: reading works without one (fh 0). FUSE threads and, for what was
 * parked, worker threads.
 */
#ifndef CAIRN_FS_READS_H
#define CAIRN_FS_READS_H

#include <fuse_lowlevel.h>

void reads_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);
void reads_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi);
void reads_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);

#endif
