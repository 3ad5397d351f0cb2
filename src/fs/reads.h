/* SPDX-License-Identifier: MIT */
/*
 * Contents of files. Nothing belongs to an open file, so that it does not matter whether
 * the kernel says what is open. FUSE threads and, for what was parked, worker threads.
 */
#ifndef CAIRN_FS_READS_H
#define CAIRN_FS_READS_H

#include <fuse_lowlevel.h>

void reads_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi);

#endif
