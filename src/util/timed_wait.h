/* SPDX-License-Identifier: MIT */
/*
 * A condition that is waited for at most some milliseconds, by the monotonic clock where
 * conditions can use it (macOS cannot).
 */
#ifndef CAIRN_CACHE_PAUSE_H
#define CAIRN_CACHE_PAUSE_H

#include <pthread.h>
#include <stdbool.h>

void pause_init(pthread_cond_t *cond);
/* False when the time was up. */
bool pause_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned ms);

#endif
