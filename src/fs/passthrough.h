/* SPDX-License-Identifier: MIT */
/*
 * Files of the cache that the kernel reads by itself. What this libfuse or kernel does not
 * have reads in the plain way. FUSE threads; at most the local metadata is asked.
 */
#ifndef CAIRN_FS_PASSTHROUGH_H
#define CAIRN_FS_PASSTHROUGH_H

#include <fuse_lowlevel.h>

struct filesystem;

/* Why it cannot be had; NULL: it can. A constant. */
const char *passthrough_lacks(const struct fuse_conn_info *conn);
/* In INIT: asks the kernel for it. */
void passthrough_want(struct filesystem *fs, struct fuse_conn_info *conn);

/* A backing id for a file that is whole in the cache, the caller's to close; 0: it is to be
 * read in the plain way. The id keeps the file from being evicted: the kernel has it open,
 * with its lock, as long as the id lives. */
int passthrough_open(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node);
void passthrough_close(fuse_req_t fuse, int id); /* 0: nothing */
/* Says in the answer to an open how the file is to be read. */
void passthrough_set(struct fuse_file_info *fi, int id);

#endif
