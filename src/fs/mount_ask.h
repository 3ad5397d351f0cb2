/* SPDX-License-Identifier: MIT */
/*
 * What only the process of a mount can tell. One that is stopped tells nothing, so each
 * question is asked on a thread of its own (bounded_call.h) and waited for a few seconds.
 * Start-up and tools only; any thread.
 */
#ifndef CAIRN_FS_MOUNT_ASK_H
#define CAIRN_FS_MOUNT_ASK_H

#include <sys/types.h>

/* Of the root of a mount: the process that serves it, as decimal text. For who unmounts it
 * and wants to wait for the end. */
#define MOUNT_XATTR_PID "user.cairn.pid"

/* 0: it answers; ERR_ABSENT: its process is gone; ERR_TIMEOUT: it does not answer. */
int mount_ask_state(const char *path);
/* 0 when it does not say: the kernel asks only a mount whose dataset has extended
 * attributes, unless it was never asked for one. */
pid_t mount_ask_pid(const char *path);

#endif
