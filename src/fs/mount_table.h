/* SPDX-License-Identifier: MIT */
/*
 * The kernel's table of mounts, as this process sees it: it tells what is mounted where
 * without touching the mount, which may hang. Blocking; any thread.
 */
#ifndef CAIRN_FS_MOUNT_TABLE_H
#define CAIRN_FS_MOUNT_TABLE_H

#include <stdbool.h>

#define MOUNT_SUBTYPE "cairn"

/* What is mounted at this absolute path, on top: *source (heap, the caller's), and whether
 * it is cairn's. ERR_ABSENT: nothing; ERR_UNSUPPORTED: there is no such table here. */
int mount_table_find(const char *resolved, char **source, bool *is_ours);

#endif
