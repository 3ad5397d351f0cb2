/* SPDX-License-Identifier: MIT */
/*
 * The place where a dataset is mounted: can it be, is something there, take it away. Asks
 * the mount table before it touches the directory, because touching a mount whose daemon
 * is gone or stuck may hang. Blocking; start-up and tools only.
 */
#ifndef CAIRN_FS_MOUNTPOINT_H
#define CAIRN_FS_MOUNTPOINT_H

#include <stdbool.h>

#include "util/error.h"

/* An existing, empty (unless `nonempty`) directory that is not a cairn mount already: its
 * absolute path in *resolved (heap, the caller's). ERR_ABSENT, ERR_BUSY, ERR_INVALID,
 * ERR_DENIED, with a sentence. */
int mountpoint_check(const char *path, bool nonempty, char **resolved, struct trouble *t);
/* /dev/fuse, fusermount3 and /etc/fuse.conf let this user mount. */
int mountpoint_permitted(bool allow_other, struct trouble *t);
/* Unmounts it. `lazy`: although it is in use. ERR_ABSENT: not a cairn mount; ERR_BUSY,
 * ERR_DENIED, with a sentence. */
int mountpoint_unmount(const char *resolved, bool lazy, struct trouble *t);

#endif
