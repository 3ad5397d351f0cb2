/* SPDX-License-Identifier: MIT */
/*
 * The helper of libfuse by which users mount and unmount without being root. Blocking;
 * start-up and tools only.
 */
#ifndef CAIRN_FS_FUSERMOUNT_H
#define CAIRN_FS_FUSERMOUNT_H

#include <stdbool.h>

#define FUSERMOUNT "fusermount3"
#define FUSERMOUNT_TEXT_MAX 512 /* bytes, with the NUL */

/* In one of the usual directories, or in the PATH. */
bool fusermount_is_there(void);
/* Unmounts; `lazy`: although it is in use. The helper's exit status, or -1 when it could
 * not be run; the first line of what it said on stderr is in `text`. */
int fusermount_unmount(const char *path, bool lazy, char text[FUSERMOUNT_TEXT_MAX]);

#endif
