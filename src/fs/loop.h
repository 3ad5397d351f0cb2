/* SPDX-License-Identifier: MIT */
/*
 * The threads that receive requests from the kernel. One of them, the leader, receives,
 * deals with what it received and goes on, so that a stream of requests stays on one
 * thread and CPU. Only where dealing with requests takes long does the leader pass the
 * lead on first; and one that is stuck (on a slow disk) is relieved by the watch, the
 * caller's thread: no request waits long for another.
 */
#ifndef CAIRN_FS_LOOP_H
#define CAIRN_FS_LOOP_H

struct fuse_session;

/* Serves until the session is unmounted or a signal has told it to exit; signals must go to
 * the calling thread. No thread is left afterwards. What the system lacks for a while
 * (memory for a request, further threads) is waited for. ERR_IO: the kernel has broken it
 * off; ERR_NO_MEMORY, ERR_NO_THREADS: it could not begin. */
int loop_run(struct fuse_session *fuse);

#endif
