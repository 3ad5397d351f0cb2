/* SPDX-License-Identifier: MIT */
/*
 * Files: full reads and writes, atomic replacement, directories. Any room; blocking; any
 * thread. Codes: error_from_errno of the failing call. Sizes and offsets in bytes;
 * descriptors stay the caller's.
 */
#ifndef CAIRN_UTIL_IO_H
#define CAIRN_UTIL_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/bytes.h"

/* Exactly `size` bytes at `offset`, or ERR_CORRUPT when the file ends before. */
int io_pread_full(int fd, void *buffer, size_t size, uint64_t offset);
/* As many as there are up to `size`; *done says how many. */
int io_pread_some(int fd, void *buffer, size_t size, uint64_t offset, size_t *done);
/* All of it, or an error and some of it. ERR_LIMIT beyond what off_t can say. */
int io_pwrite_full(int fd, const void *data, size_t size, uint64_t offset);
int io_write_full(int fd, const void *data, size_t size);
/* The whole file, appended to `out`; more than `max` bytes: ERR_LIMIT. */
int io_read_file(int dirfd, const char *path, size_t max, struct bytes *out);
/* The same, never waiting for anybody at the other end: a FIFO, a device, whatever is no
 * regular file, is ERR_INVALID. */
int io_read_regular_file(int dirfd, const char *path, size_t max, struct bytes *out);
/* Temporary file (".PID-RANDOM.tmp") in the same directory, write, (fsync when
 * `durable`), rename over `path`. Parent directories must exist; `mode` passes through
 * the umask. Nothing is left behind on failure, but a killed process may leave one. What is
 * no regular file stays: ERR_INVALID. */
int io_replace_file(
	int dirfd, const char *path, struct span data, mode_t mode, int durable);
/* mkdir -p; existing directories are fine. On failure errno says why. */
int io_make_directories(const char *path, mode_t mode);
/* Removes the files in it, as far as that can be done; directories in it stay. */
void io_empty_directory(int dirfd, const char *path);

#endif
