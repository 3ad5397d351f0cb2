/* SPDX-License-Identifier: MIT */
/*
 * A condition that is waited for at most some milliseconds, by the monotonic clock where
 * conditions can use it (macOS cannot).
 */
#ifndef CAIRN_UTIL_TIMED_WAIT_H
#define CAIRN_UTIL_TIMED_WAIT_H

#include <pthread.h>
#include <stdbool.h>

void timed_wait_init(pthread_cond_t *cond);
/* False when the time was up. */
bool timed_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned ms);

#endif
