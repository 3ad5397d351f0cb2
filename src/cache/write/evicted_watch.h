/* SPDX-License-Identifier: MIT */
/*
 * Hears of it when another process has thrown out what this one may have open
 * (directory_tell_evicted()), and lets go of that within some milliseconds: until then its
 * space is not free. A thread of its own, which sleeps in the kernel until then, since the
 * writer's may be waiting for the other process. Where the system tells nothing, or has no
 * more to tell with, housekeeping looks once a second.
 */
#ifndef CAIRN_CACHE_WRITE_EVICTED_WATCH_H
#define CAIRN_CACHE_WRITE_EVICTED_WATCH_H

#include "cache/write/write_context.h"

struct evicted_watch;
/* NULL: there is none here. */
struct evicted_watch *evicted_watch_new(struct write_context *x);
/* Takes NULL. Before what `x` refers to is freed. */
void evicted_watch_free(struct evicted_watch *w);

#endif
