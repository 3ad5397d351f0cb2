/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <time.h>

#include "util/timed_wait.h"
#include "util/clock.h"

void timed_wait_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
#ifndef __APPLE__
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool timed_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned ms)
{
#ifndef __APPLE__
	int64_t until = clock_monotonic() + ms * NS_PER_MS;
#else
	int64_t until = clock_realtime() + ms * NS_PER_MS;
#endif
	struct timespec at = {
		(time_t)(until / NS_PER_SECOND), (long)(until % NS_PER_SECOND)};

	return pthread_cond_timedwait(cond, mutex, &at) == 0;
}
