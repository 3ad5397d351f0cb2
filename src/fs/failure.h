/* SPDX-License-Identifier: MIT */
/*
 * The one place where an error becomes an errno for the kernel, and a failed request a
 * line in the log: at most some lines per period, and one a minute of those that
 * fail for want of a server, however many wait for it. Own lock; any thread.
 */
#ifndef CAIRN_FS_FAILURE_H
#define CAIRN_FS_FAILURE_H

#include <pthread.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

/* Never 0. That a name does not exist is an answer, not a failure: ERR_ABSENT here means
 * that the store lacks a blob it promised. */
int failure_errno(int error);

struct failures {
	struct log *log;	      /* borrowed */
	pthread_mutex_t failures_mtx; /* all below */
	int64_t period;		      /* when the current one began, CLOCK_MONOTONIC ns */
	unsigned lines;		      /* written in it */
	uint64_t dropped;	      /* not written in it */
	int64_t outage_until;	      /* one for want of a server was written; or 0 */
	struct trouble last;
};

void failures_init(struct failures *f, struct log *log);
void failures_release(struct failures *f);
/* One line: what was asked (`operation`, `path`), and what went wrong (`t` may be NULL). */
void failures_note(struct failures *f, const char *operation, struct span path, int error,
	const struct trouble *t);
/* The words of the last one; code 0 when there was none. */
void failures_last(struct failures *f, struct trouble *out);

#endif
