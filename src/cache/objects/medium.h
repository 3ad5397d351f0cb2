/* SPDX-License-Identifier: MIT */
/*
 * What a directory lies on. A local disk gives back what it was given, or an error; what
 * comes over a network, through a program (FUSE), or from a stick that somebody pulls out
 * and writes to elsewhere, may be something else at any time. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_MEDIUM_H
#define CAIRN_CACHE_OBJECTS_MEDIUM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of an open directory. What is unknown is no local disk. */
bool medium_is_local(int fd);

/* Its two parts, for tests. The magic number of a file system (statfs(2)). */
bool medium_type_is_local(uint64_t type);
/* The device below it and those that it is made of, as `sys` (/sys) describes them. One
 * that is not described (no device, no /sys) is not held against it. */
bool medium_device_is_local(dev_t device, const char *sys);

#endif
