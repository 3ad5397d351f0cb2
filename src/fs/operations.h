/* SPDX-License-Identifier: MIT */
/*
 * The table of callbacks for libfuse: what can be answered at once is answered here, what
 * needs an entry goes to its file (lookups, xattrs, listing, reads, opens), whatever writes
 * is EROFS.
 */
#ifndef CAIRN_FS_OPERATIONS_H
#define CAIRN_FS_OPERATIONS_H

#include <fuse_lowlevel.h>

/* For a session whose user data is a struct filesystem. Not set, because the kernel
 * answers in our place: access (default_permissions), flush and fsync (nothing is ever
 * dirty), locks. */
extern const struct fuse_lowlevel_ops operations;

#endif
