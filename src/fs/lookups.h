/* SPDX-License-Identifier: MIT */
/*
 * The operations that one entry answers: by name below a directory, or of a node. FUSE
 * threads and, for what was parked, worker threads.
 */
#ifndef CAIRN_FS_LOOKUPS_H
#define CAIRN_FS_LOOKUPS_H

#include <fuse_lowlevel.h>

/* A name that does not exist is told with a negative entry, which the kernel keeps. */
void lookups_lookup(fuse_req_t fuse, fuse_ino_t parent, const char *name);
void lookups_getattr(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);
void lookups_readlink(fuse_req_t fuse, fuse_ino_t node);
void lookups_lseek(fuse_req_t fuse, fuse_ino_t node, off_t offset, int whence,
	struct fuse_file_info *fi);

#endif
