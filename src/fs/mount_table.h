/* SPDX-License-Identifier: MIT */
/*
 * The kernel's table of mounts, as this process sees it: it tells what is mounted where
 * without touching the mount, which may hang. Blocking; any thread.
 */
#ifndef CAIRN_FS_MOUNT_TABLE_H
#define CAIRN_FS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#define MOUNT_SUBTYPE "cairn"

/* What is mounted at this absolute path, on top: *source (heap, the caller's), and whether
 * it is cairn's. ERR_ABSENT: nothing; ERR_UNSUPPORTED: there is no such table here. */
int mount_table_find(const char *resolved, char **source, bool *is_ours);
/* Each mount of cairn's, but for bind mounts of one; borrowed. Non-zero stops and is
 * returned; ERR_UNSUPPORTED. */
int mount_table_each(
	int (*each)(void *ctx, const char *at, const char *source, uid_t owner), void *ctx);

#endif
