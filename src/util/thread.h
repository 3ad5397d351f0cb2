/* SPDX-License-Identifier: MIT */
/*
 * A thread begins. Signals are for the threads that wait for them, so all that are started
 * here have every one blocked, and what they write to (a socket, a file over its limit)
 * cannot end the process. Any room; any thread.
 */
#ifndef CAIRN_UTIL_THREAD_H
#define CAIRN_UTIL_THREAD_H

#include <pthread.h>

/* `name` is seen in ps -L (at most 15 bytes); NULL: the process's. ERR_NO_THREADS,
 * ERR_NO_MEMORY. */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

#endif
