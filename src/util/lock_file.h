/* SPDX-License-Identifier: MIT */
/*
 * A file that is locked (flock(2)) while something beside it is changed. The kernel gives
 * the lock back when its holder dies. No system lets one wait for it for a bounded time, so
 * it is asked for again and again. Blocking, any thread.
 */
#ifndef CAIRN_UTIL_LOCK_FILE_H
#define CAIRN_UTIL_LOCK_FILE_H

#include <stdint.h>

/* Makes the file, mode 0600, when it is not there. `deadline` is of CLOCK_MONOTONIC, ns.
 * Closing *fd gives it back. ERR_TIMEOUT; else errno says why. */
int lock_file_take(const char *path, int64_t deadline, int *fd);

#endif
