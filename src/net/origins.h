/* SPDX-License-Identifier: MIT */
/*
 * The servers that a fetcher talks to, by scheme, host and port: how many tries are under
 * way at each, and how many there may be. A server that has answered in HTTP/2 carries
 * many on one connection; any other has one on each. One that says it is asked too much
 * (429, 503) gets half as many at a time, and with gaps between them; each good answer
 * takes a little of that back (additive increase, multiplicative decrease: Chiu and Jain,
 * 1989). For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_ORIGINS_H
#define CAIRN_NET_ORIGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/slots.h"
#include "net/window.h"

#define ORIGINS_MAX 128
#define STREAMS_MAX 100 /* tries at once over HTTP/2: what most servers allow */

enum multiplexing { MULTIPLEXING_UNKNOWN, MULTIPLEXING_YES, MULTIPLEXING_NO };

/* Times in CLOCK_MONOTONIC ns. */
struct origin {
	char *name;
	unsigned active;
	enum multiplexing multiplexing;
	struct origin *leads_to; /* where its last redirect led; NULL: it answers itself */
	unsigned window; /* tries at once, after it was asked too much; 0: as many as
			    there may be */
	unsigned credit; /* good answers since the window grew */
	int64_t gap;	 /* ns from the beginning of a try to that of the next */
	int64_t next_at; /* no try begins before */
	int64_t slowed_at, warned_at; /* 0: never */
	struct window line;	      /* bytes under way, after how fast they come */
	struct slots slots;	      /* where there is no multiplexing */
};

struct origins {
	unsigned count;
	unsigned connections; /* tries at once where there is no multiplexing */
	struct origin items[ORIGINS_MAX];
};

/* `connections`: at most, to each. */
void origins_init(struct origins *o, unsigned connections);
void origins_release(struct origins *o);
/* Never NULL: those that find no place (or no memory) share the last place. */
struct origin *origins_find(struct origins *o, const char *name);
/* May another try begin now, for that many bytes? Those that nobody waits for leave a
 * quarter of the places free. */
bool origins_has_slot(const struct origins *o, const struct origin *origin, uint64_t bytes,
	bool demand, int64_t now);
/* When the next may begin as far as gaps are concerned. */
int64_t origin_next_at(const struct origin *origin);

/* A try begins there. origin_end() when it is over, or goes on elsewhere. */
void origin_begin(struct origin *origin, int64_t now);
void origin_end(struct origin *origin);
/* It was answered by a redirect to `to`, which is a good answer, or (NULL) by itself. */
void origin_led(struct origin *origin, struct origin *to);
/* It says that it is asked too much, of a try that began there at `began`: those that began
 * before it was last slowed down count no more. `gap_most`: ns. */
void origin_slow_down(struct origin *origin, int64_t began, int64_t now, int64_t gap_most);
/* A good answer. */
void origin_speed_up(struct origin *origin);
/* Whether a person is to be told now that it is slowed down: once a minute. */
bool origin_may_warn(struct origin *origin, int64_t now);

#endif
