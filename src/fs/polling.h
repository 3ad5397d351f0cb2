/* SPDX-License-Identifier: MIT */
/*
 * When a thread should look for the next request instead of going to sleep. A wake-up of
 * another CPU takes as long as several lookups (doc/decisions/one-receiver.md), so that it
 * pays while requests follow each other closely and nobody else wants the CPU. Pure; one
 * thread at a time.
 */
#ifndef CAIRN_FS_POLLING_H
#define CAIRN_FS_POLLING_H

#include <stdbool.h>
#include <stdint.h>

#define POLLING_TIME INT64_C(60000)	/* ns, it looks for one request at most */
#define POLLING_GAP INT64_C(200000)	/* ns, between requests that follow closely */
#define POLLING_STREAK 8		/* of those, before it begins to look */
#define POLLING_PAUSE INT64_C(20000000) /* ns, when others want the CPU, as shown by */
#define POLLING_CROWD 8			/* preemptions in */
#define POLLING_COUNT 16		/* requests */

/* Zero is a fresh one. Times are of CLOCK_MONOTONIC, in nanoseconds. */
struct polling {
	int64_t done;	  /* with the last request */
	int64_t pause;	  /* until then it sleeps */
	long preemptions; /* as last told */
	unsigned streak;  /* requests that followed closely */
};

/* There is no request at `now`: look again (true) or sleep. */
bool polling_again(struct polling *p, int64_t now);
/* A request was received, and later dealt with. */
void polling_received(struct polling *p, int64_t now);
void polling_done(struct polling *p, int64_t now);
/* How often the thread has had to leave its CPU to another one; to be told from time to
 * time, after POLLING_COUNT requests. */
void polling_preempted(struct polling *p, int64_t now, long preemptions);

#endif
