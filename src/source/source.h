/* SPDX-License-Identifier: MIT */
/*
 * Brings blobs: each digest once, however many want it; fetched from the mirrors,
 * decompressed within the announced length, verified, handed to all who wait, and then
 * kept in the cache. A wrong blob sets the mirror back and the next is asked. A chunk that
 * lies elsewhere in the cache is copied, not fetched. Delta blobs have their base brought
 * first.
 *
 * Used by fs/, cli/ and dataset/. Threads: all functions from any thread; waiters become
 * ready on a decode worker of the source's engine, which ready() must not block.
 */
#ifndef CAIRN_SOURCE_SOURCE_H
#define CAIRN_SOURCE_SOURCE_H

#include "cache/attempt.h"
#include "source/blob_wait.h"
#include "source/engine.h"
#include "source/waiter.h"

/* A store seen through its mirrors. */
struct source;
/* `url` is copied, `e` borrowed until source_free. ERR_INVALID, ERR_NO_MEMORY, with a
 * sentence. */
int source_new(struct engine *e, const char *url, struct source **out, struct trouble *t);
/* Nobody waits any more, no other call is under way or comes. Cancels what is under way,
 * and waits until what was delivered is kept and every ready() has returned. */
void source_free(struct source *s);
/* From now on no server is asked: what is not in the cache is ERR_UNREACHABLE at once.
 * Before the first want. */
void source_go_offline(struct source *s);
/* Borrowed, until source_free. */
struct mirrors *source_mirrors(struct source *s);
struct engine *source_engine(struct source *s);

/* Waits for `wants` (at least one; copied). `deadline` CLOCK_MONOTONIC ns: it is this
 * waiter's own, whoever else waits for the same blobs with another. Touches neither
 * network nor disk. ERR_NO_MEMORY: nothing was begun, ready() will not run. */
int source_want(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority, int64_t deadline, struct waiter *waiter);
/* The waiter waits no longer: afterwards ready() is not running and will not run;
 * one that is running is waited for. False when ready() had begun or ended already (then
 * it did run), and did not want anything again. Must not be called from within ready(). */
bool source_forget(struct source *s, struct waiter *waiter);
/* What the waiter, which stays alive, waits for now: how many blobs, the first `room` of
 * which are told of; *deadline is its own (0: it waits for none). Any thread. */
unsigned source_look(struct source *s, const struct waiter *waiter, struct blob_wait *out,
	unsigned room, int64_t *deadline);
/* Nobody waits: brings it, to be kept in the cache. Best effort: dropped when many hints
 * are under way already. */
void source_hint(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority);

/* For tools: tries `step` until it is something else than ERR_PENDING, waiting between
 * the tries on this thread. `deadline_ns` bounds each wait (0: 60 s). Each try begins
 * anew and keeps what has arrived so far, so a step should need few blobs: a long walk is
 * many calls. */
typedef int (*attempt_fn)(struct attempt *a, void *arg);
int source_run(struct source *s, attempt_fn step, void *arg, int64_t deadline_ns,
	enum fetch_priority priority, struct trouble *t);
/* For the end: whoever waits in source_run(), now or later, waits no longer
 * (ERR_INTERRUPTED). What is local goes on. Any thread. */
void source_end_runs(struct source *s);

#endif
