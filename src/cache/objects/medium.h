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

/* Is it a file system that lies on another one (overlayfs)? */
bool medium_is_stacked(int fd);
/* Does its flush tell of every file whether what was written to it got lost? One that lies
 * on others (overlayfs, FUSE) or on another machine does not know of their troubles before
 * the file itself is flushed. */
bool medium_tells(int fd);
/* Btrfs writes a page of a file to another place each time, and needs space for that: on a
 * full disk, LMDB could not even note a reader, whose table is mapped (SIGBUS). What is
 * made in the directory from now on is written in place (ioctl_iflags(2)). */
void medium_write_in_place(int fd);
/* A number of the mount (statx(2)): since Linux 6.8 one that no other mount ever has,
 * before (5.8) one that is used again after an unmount; 0 where there is none. */
uint64_t medium_mount(int fd);

/* The two parts of medium_is_local(), for tests. The magic number of a file system
 * (statfs(2)). */
bool medium_type_is_local(uint64_t type);
/* The device below it and those that it is made of, as `sys` (/sys) describes them. One
 * that is not described (no device, no /sys) is not held against it. */
bool medium_device_is_local(dev_t device, const char *sys);

#endif
