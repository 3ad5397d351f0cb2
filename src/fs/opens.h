/* SPDX-License-Identifier: MIT */
/*
 * Opening and releasing files, in the mount's open mode (open_mode.h). FUSE threads; at
 * most the local metadata is asked.
 */
#ifndef CAIRN_FS_OPENS_H
#define CAIRN_FS_OPENS_H

#include <fuse_lowlevel.h>

struct filesystem;

/* In INIT, once it is known what the kernel can do: chooses the mode, says so in the log,
 * and asks the kernel for what the mode needs. */
void opens_init(struct filesystem *fs, struct fuse_conn_info *conn);

void opens_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);
void opens_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi);

#endif
