/* SPDX-License-Identifier: MIT */
/*
 * A signal to this thread, again and again, each time that it has used so much CPU: its
 * handler can see whether the thread still does what it did (timer_create(2)). Nothing
 * happens where the system has no such timer. One at a time in a thread; any thread.
 */
#ifndef CAIRN_UTIL_CPU_WATCH_H
#define CAIRN_UTIL_CPU_WATCH_H

#include <stdint.h>

/* `every` is in ns of the thread's own CPU time; si_code is SI_TIMER. */
void cpu_watch_begin(int signal, int64_t every);
void cpu_watch_end(void);

#endif
