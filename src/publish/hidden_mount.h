/* SPDX-License-Identifier: MIT */
/*
 * Mount points that may not even be looked at: a FUSE file system that another user
 * mounted for himself answers stat(2) with EACCES, to root as well. Linux only; elsewhere
 * there are none. Any thread.
 */
#ifndef CAIRN_PUBLISH_HIDDEN_MOUNT_H
#define CAIRN_PUBLISH_HIDDEN_MOUNT_H

#include <stdbool.h>
#include <sys/stat.h>

/* fstatat(2) of `name` in the directory `dirfd` has failed with EACCES: is it such a mount
 * point? Then *out is what an empty directory in its place would be: as the directory that
 * holds it, but on the device of the mount. */
bool hidden_mount(int dirfd, const char *name, struct stat *out);

#endif
