/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: those that the entries have, and one of the mount itself. FUSE
 * threads and, for what was parked, worker threads.
 */
#ifndef CAIRN_FS_XATTRS_H
#define CAIRN_FS_XATTRS_H

#include <fuse_lowlevel.h>

/* `size` 0 asks for the size only. The root also has MOUNT_XATTR_PID, which is never
 * listed. */
void xattrs_get(fuse_req_t fuse, fuse_ino_t node, const char *name, size_t size);
void xattrs_list(fuse_req_t fuse, fuse_ino_t node, size_t size);

#endif
