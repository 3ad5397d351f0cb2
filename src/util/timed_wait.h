/* SPDX-License-Identifier: MIT */
/*
 * A condition that is waited for at most some milliseconds, by the monotonic clock where
 * conditions can use it (macOS cannot). For threads that wake up to look at the time as
 * well as at what they are told; rules of pthread_cond_timedwait(3) apply.
 */
#ifndef CAIRN_UTIL_TIMED_WAIT_H
#define CAIRN_UTIL_TIMED_WAIT_H

#include <pthread.h>
#include <stdbool.h>

/* Released with pthread_cond_destroy(3). */
void timed_wait_init(pthread_cond_t *cond);
/* Called with `mutex` held. False when `ms` milliseconds were up; true when the condition
 * was signalled, or for no reason: the caller looks again. */
bool timed_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned ms);

#endif
