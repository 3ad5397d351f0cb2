/* SPDX-License-Identifier: MIT */
/*
 * One file to be got from a store's mirrors: what is asked for, what came of it, and the
 * fetcher's notes on it meanwhile. Values only; fetcher.h says who may touch them when.
 */
#ifndef CAIRN_NET_FETCH_H
#define CAIRN_NET_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "net/mirrors.h"
#include "util/bytes.h"
#include "util/error.h"

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
	int64_t abandoned; /* CLOCK_MONOTONIC ns: since then nobody waits; 0: somebody does
			    */
	bool fresh;	   /* the next try needs a new connection */
	bool outage;	   /* it waits because a server was out of order */
	struct bytes partial; /* what broken connections left of the body */
	int64_t queued_at;    /* progress->total then, or when it was last renewed */
	uint64_t got;	      /* most bytes of the body that there ever were */
	bool whole;	      /* no more partial answers are asked for */
	uint64_t refused;     /* mirrors that will not give it: absent, denied, ... */
	uint64_t failed;      /* mirrors that failed since it last waited */
	unsigned tries;
	int asked;	    /* mirror, by the latest try; -1: none was */
	int64_t not_before; /* CLOCK_MONOTONIC ns: no try before */
	int rank;	    /* how telling the trouble noted so far is */
	void *waiter;	    /* fetcher_get's */
};

/* Embedded in its owner's struct; the owner keeps it until done() has run. Submitting
 * overwrites the result and the fetcher's part, whatever was in them: so body has been
 * released or moved and its cost given back (fetcher_release) before that happens again. */
struct fetch {
	/* The request, set by the owner: */
	struct mirrors *mirrors;
	char path[FETCH_PATH_MAX]; /* below the base URL, without a leading '/' */
	uint64_t size_max;	   /* a longer body is ERR_LIMIT, before it is stored */
	/* Bytes: only so many from its beginning are asked for, 0: all. A server may give
	 * more, up to all. Not together with `resumable`. */
	uint64_t beginning;
	/* Bytes of the memory budget it holds from its first try until fetcher_release(). 0
	 * never waits for the budget: for what another fetch, not yet released, depends on.
	 */
	uint64_t cost;
	enum fetch_priority priority;
	int64_t deadline; /* CLOCK_MONOTONIC ns; moved by progress (progress.h) */
	int64_t patience; /* ns: how long after the last progress; 0: it is not moved */
	bool resumable;	  /* named by its content: an answer that breaks off is completed by
			   * range, from whichever mirror */
	bool impatient;	  /* one try per mirror, no waiting for better times */
	int64_t retry_until; /* CLOCK_MONOTONIC ns: impatient from then on; 0: never */
	bool vouched; /* a signature says that it exists: a mirror that says otherwise lags
			 behind, and is asked again */
	bool tells;   /* a person waits: a first failure that is not the end is a warning */
	bool revalidate; /* send Cache-Control: no-cache; for manifests and second tries */
	uint64_t avoid;	 /* bit per mirror that is not to be asked */
	char etag[FETCH_ETAG_MAX]; /* in: If-None-Match unless ""; out: the answer's, or ""
				    */
	void (*done)(struct fetch *f);
	/* The result, valid in and after done(): */
	int error; /* 0, ERR_ABSENT, UNREACHABLE, TIMEOUT, DENIED, LIMIT, INTERRUPTED, ...
		    */
	struct trouble trouble; /* names the URL */
	struct bytes body; /* owned by the fetch's owner from done() on; empty on failure */
	bool not_modified; /* 304 */
	uint64_t whole;	 /* bytes of the file, though `beginning` was asked for; UINT64_MAX:
			    the server does not tell */
	int mirror;	 /* that answered, or -1 */
	unsigned server; /* whose bytes they are, as mirrors_led(): the mirror, or another
			    one   that it redirected to */
	bool pieced;	 /* the body was completed by range: maybe of several mirrors */
	/* The fetcher's own: */
	struct fetch_state state;
};

#endif
