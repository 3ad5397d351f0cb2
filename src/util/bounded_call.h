/* SPDX-License-Identifier: MIT */
/*
 * A call that may wait for ever within a library, for a lock that a stopped process holds,
 * and has no deadline: it is made on a thread of its own, and whoever wants it waits for
 * that thread only until a deadline. A call that was given up on goes on by itself when it
 * can, and finds nobody who wants its result.
 *
 * One call at a time; any thread may make it. bounded_mtx is a leaf.
 */
#ifndef CAIRN_UTIL_BOUNDED_CALL_H
#define CAIRN_UTIL_BOUNDED_CALL_H

#include <stdbool.h>
#include <stdint.h>

struct bounded_call;
/* On the thread. `owner` is what bounded_call_new() was given, and there as long as the
 * thread; after what may wait for ever it calls bounded_call_enter(). */
typedef int (*bounded_call_fn)(struct bounded_call *b, void *owner);

/* `name` as in `ps -L`. Starts no thread yet: that is done by the first call. */
struct bounded_call *bounded_call_new(const char *name, void *owner);
/* What `fn` returned, waited for as long as it takes once it has entered; or ERR_TIMEOUT
 * when it had not by `deadline` (CLOCK_MONOTONIC, ns), or an earlier one still waits;
 * ERR_NO_THREADS, ERR_NO_MEMORY: there was no thread to be had. `arg` is not NULL. */
int bounded_call_run(
	struct bounded_call *b, int64_t deadline, bounded_call_fn fn, void *arg);
/* For `fn`: its `arg`, whose caller now waits to the end; NULL when that one has gone, and
 * what was waited for is to be let go of. */
void *bounded_call_enter(struct bounded_call *b);
/* Does a call that was given up on still wait? */
bool bounded_call_is_stuck(struct bounded_call *b);
/* False: a call still waits; then the thread, and `owner` with all that is in it, must be
 * left as they are. */
bool bounded_call_free(struct bounded_call *b);

#endif
