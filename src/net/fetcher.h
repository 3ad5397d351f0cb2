/* SPDX-License-Identifier: MIT */
/*
 * GET of small files from a store's mirrors: one thread owns curl-multi (HTTP/2 where
 * the server has it, connections kept); requests come in by a queue, results go out by
 * a callback. Demand goes before readahead before prefetch. A request has one deadline
 * over queueing, DNS, connect, transfer, all retries and mirrors. One that stays slower
 * than its peers is doubled to another mirror, and who answers first counts (hedge.h).
 *
 * Threads: submit, raise and cancel from any thread; `done` runs on the fetcher's
 * thread, once per submitted fetch, must not block, and may submit. A fetcher starts its
 * thread in fetcher_new, so make it after any fork.
 */
#ifndef CAIRN_NET_FETCHER_H
#define CAIRN_NET_FETCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/credentials.h"
#include "net/fetch.h"
#include "util/error.h"
#include "util/log.h"

struct fetcher_options {
	struct log *log;
	const struct credentials
		*credentials;	 /* borrowed for the fetcher's life; may be NULL */
	uint64_t memory;	 /* bytes: sum of the costs admitted at once; 0: 64 MiB */
	unsigned connections;	 /* to one host; 0: 16 */
	int64_t connect_timeout; /* ns; 0: 10 s */
	int64_t stall_timeout;	 /* ns without a byte before a try is given up; 0: 15 s */
};

struct fetcher;
/* The options are copied, but not what they point to. ERR_NO_MEMORY, ERR_IO with a
 * sentence. */
int fetcher_new(
	const struct fetcher_options *options, struct fetcher **out, struct trouble *t);
/* Ends all with ERR_INTERRUPTED (their done() runs and must not submit again), then
 * joins. All that was given to done() before has been released, or never will be. */
void fetcher_free(struct fetcher *f);

/* The fetch is the fetcher's until done(); every error comes by that way. */
void fetcher_submit(struct fetcher *f, struct fetch *fetch);
/* Lifts a queued fetch to at least this priority and moves its deadline to the earlier
 * of the two. Harmless when it is already under way or done. The caller guarantees
 * `fetch` is alive. */
void fetcher_raise(struct fetcher *f, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline);
/* Nobody waits for it any more. What is on the wire is finished all the same; what is not
 * keeps its place for a second, since who was interrupted by a timer comes again, and then
 * ends with ERR_INTERRUPTED when its turn comes. fetcher_raise() takes it back. */
void fetcher_abandon(struct fetcher *f, struct fetch *fetch);
/* done() comes soon with ERR_INTERRUPTED, unless it was on its way already. */
void fetcher_cancel(struct fetcher *f, struct fetch *fetch);
/* Gives back the fetch's cost; call once per done(), when body and what was made of it
 * have left memory. Any thread. */
void fetcher_release(struct fetcher *f, struct fetch *fetch);
/* Between done() and fetcher_release: the reader has what it waited for, though its bytes
 * stay in memory for something else. They go on counting in the budget, but one demand is
 * let through whatever the budget says, and this one no longer stands in its way. */
void fetcher_lower(struct fetcher *f, struct fetch *fetch);

struct fetcher_counters {
	uint64_t requests, retries, failures, bytes; /* bytes: of bodies */
	uint64_t doubled;			     /* second tries: hedge.h */
	uint64_t queued, active;		     /* now */
};
void fetcher_count(struct fetcher *f, struct fetcher_counters *out);

/* Bytes of bodies that have come so far of what is under way, about a tenth of a second
 * ago: for whoever shows how far something is. */
uint64_t fetcher_arriving(const struct fetcher *f);

/* How it stands with a fetch, for who asks. */
struct fetch_look {
	enum fetch_step {
		FETCH_QUEUED,	 /* for its turn */
		FETCH_WAITING,	 /* until not_before, after something went wrong */
		FETCH_UNDER_WAY, /* by its latest try */
	} step;
	unsigned tries;
	int64_t not_before, deadline; /* CLOCK_MONOTONIC ns */
	const char *mirror;	      /* asked last, as mirrors_url(); NULL: none was */
	struct trouble trouble;	      /* code 0: nothing went wrong */
};
/* The caller guarantees `fetch` is submitted and alive. */
void fetcher_look(struct fetcher *f, const struct fetch *fetch, struct fetch_look *out);

/* Blocking, for tools: submits and waits. The caller then owns fetch->body and has
 * nothing to release. */
int fetcher_get(struct fetcher *f, struct fetch *fetch);
/* For the end: each of those, now and later, comes back soon with ERR_INTERRUPTED. Any
 * thread. */
void fetcher_end_gets(struct fetcher *f);

#endif
