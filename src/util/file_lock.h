/* SPDX-License-Identifier: MIT */
/*
 * A lock on a file that processes share, flock(2), waited for until a deadline: the kernel
 * gives it back when its holder dies, but not when its holder is stopped, and no system
 * lets one wait for it for a bounded time, so it is asked for again and again. And who
 * holds it alone is not stopped by Ctrl-Z meanwhile (stop_gate.h). Any thread.
 */
#ifndef CAIRN_UTIL_FILE_LOCK_H
#define CAIRN_UTIL_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum file_lock {
	FILE_LOCK_SHARED, /* for as long as one likes: it puts off no stop */
	FILE_LOCK_ALONE,  /* for a moment: to be given back by one of the two below */
};

/* `deadline` is of CLOCK_MONOTONIC, ns; one that is over asks once. ERR_TIMEOUT;
 * ERR_UNSUPPORTED where the file system has no such locks; another one of the system. */
int file_lock_take(int fd, enum file_lock how, int64_t deadline);
/* What is held alone is given back, and stops are put off no longer. */
void file_lock_give(int fd);
/* The same, but for a shared one in its place, which may be waited for like any other: what
 * is held alone is over in either case. */
int file_lock_share(int fd, int64_t deadline);

/* For the sentence of who waited in vain, which of those that have a lock of any kind on
 * the file is in the way: "process 123 (name), which is stopped" or "busy". False where
 * there is none, or the system does not tell: "another process, which is stopped or slow".
 * The file is not opened, which would end the locks of fcntl(2) that this process has on
 * it. */
#define FILE_LOCK_BLAME_SIZE 80
bool file_lock_blame(const char *path, char text[FILE_LOCK_BLAME_SIZE]);
/* The same for a file that many have locked all the time: only who is stopped. */
bool file_lock_blame_stopped(const char *path, char text[FILE_LOCK_BLAME_SIZE]);

#endif
