/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "util/clock.h"
#include "util/cpu_watch.h"

#if defined(SIGEV_THREAD_ID) && defined(SYS_gettid)
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static _Thread_local timer_t watch;
static _Thread_local bool is_watched;

void cpu_watch_begin(int signal, int64_t every)
{
	const struct timespec span = {every / NS_PER_SECOND, every % NS_PER_SECOND};
	const struct itimerspec when = {span, span};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	is_watched = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &watch) == 0;
	if (is_watched)
		timer_settime(watch, 0, &when, NULL);
}

void cpu_watch_end(void)
{
	if (is_watched)
		timer_delete(watch);
	is_watched = false;
}

#else

void cpu_watch_begin(int signal, int64_t every)
{
	(void)signal, (void)every;
}

void cpu_watch_end(void)
{
}

#endif
