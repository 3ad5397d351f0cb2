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
#include "net/mirrors.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

#define FETCH_PATH_MAX 512
#define FETCH_ETAG_MAX 256

enum fetch_priority { FETCH_DEMAND, FETCH_READAHEAD, FETCH_PREFETCH, FETCH_PRIORITIES };

/* The fetcher's own part of a fetch: guarded by its lock, nobody else looks. */
struct fetch_state {
	struct fetch_list *list; /* where it waits; NULL: under way, or not submitted */
	struct fetch *next, *previous; /* in that list */
	uint64_t held;		       /* bytes of the memory budget */
	bool held_by_demand;
	bool cancelled;
	bool fresh;	  /* the next try needs a new connection */
	bool outage;	  /* it waits because a server was out of order */
	uint64_t refused; /* mirrors that will not give it: absent, denied, ... */
	uint64_t failed;  /* mirrors that failed since it last waited */
	unsigned tries;
	int64_t not_before; /* CLOCK_MONOTONIC ns: no try before */
	int rank;	    /* how telling the trouble noted so far is */
	void *waiter;	    /* fetcher_get's */
};

/* Embedded in its owner's struct; the owner keeps it until done() has run. Submitting
 * overwrites the result and the fetcher's part, whatever was in them: so body has been
 * released or moved and the fetch settled before it is submitted once more. */
struct fetch {
	/* The request, set by the owner: */
	struct mirrors *mirrors;
	char path[FETCH_PATH_MAX]; /* below the base URL, without a leading '/' */
	uint64_t size_max;	   /* a longer body is ERR_LIMIT, before it is stored */
	/* Bytes of the memory budget it holds from its first try until fetcher_release(). 0
	 * never waits for the budget: for what another fetch, not yet settled, depends on.
	 */
	uint64_t cost;
	enum fetch_priority priority;
	int64_t deadline; /* CLOCK_MONOTONIC ns */
	bool impatient;	  /* one try per mirror, no waiting for better times */
	bool revalidate;  /* send Cache-Control: no-cache; for manifests and second tries */
	uint64_t avoid;	  /* bit per mirror that is not to be asked */
	char etag[FETCH_ETAG_MAX]; /* in: If-None-Match unless ""; out: the answer's, or ""
				    */
	void (*done)(struct fetch *f);
	/* The result, valid in and after done(): */
	int error; /* 0, ERR_ABSENT, UNREACHABLE, TIMEOUT, DENIED, LIMIT, INTERRUPTED, ...
		    */
	struct trouble trouble; /* names the URL */
	struct bytes body; /* owned by the fetch's owner from done() on; empty on failure */
	bool not_modified; /* 304 */
	int mirror;	   /* that answered, or -1 */
	/* The fetcher's own: */
	struct fetch_state state;
};

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
int fetcher_new(
	const struct fetcher_options *options, struct fetcher **out, struct trouble *t);
/* Ends all with ERR_INTERRUPTED (their done() runs and must not submit again), then
 * joins. All that was given to done() before has been settled, or never will be. */
void fetcher_free(struct fetcher *f);

void fetcher_submit(struct fetcher *f, struct fetch *fetch);
/* Lifts a queued fetch to at least this priority and moves its deadline to the earlier
 * of the two. Harmless when it is already under way or done. The caller guarantees
 * `fetch` is alive. */
void fetcher_raise(struct fetcher *f, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline);
/* done() comes soon with ERR_INTERRUPTED, unless it was on its way already. */
void fetcher_cancel(struct fetcher *f, struct fetch *fetch);
/* Gives back the fetch's cost; call once per done(), when body and what was made of it
 * have left memory. Any thread. */
void fetcher_release(struct fetcher *f, struct fetch *fetch);

struct fetcher_counters {
	uint64_t requests, retries, failures, bytes; /* bytes: of bodies */
	uint64_t doubled;			     /* second tries: hedge.h */
	uint64_t queued, active;		     /* now */
};
void fetcher_count(struct fetcher *f, struct fetcher_counters *out);

/* Blocking, for tools: submits and waits. The caller then owns fetch->body and has
 * nothing to settle. */
int fetcher_get(struct fetcher *f, struct fetch *fetch);

#endif
