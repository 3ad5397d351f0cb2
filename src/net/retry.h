/* SPDX-License-Identifier: MIT */
/*
 * The retry policy: which mirror a fetch is asked of, and when it is asked for again after
 * a failure. All its mirrors in turn, then all of them after a wait that doubles; never one
 * that refused it; none while it asks to be left alone. How long a sick mirror is left
 * alone is health.h's business. With the schedule's lock held.
 */
#ifndef CAIRN_NET_RETRY_H
#define CAIRN_NET_RETRY_H

#include <stdint.h>

#include "net/fetch.h"
#include "net/try_result.h"

struct schedule;

/* The mirror to ask now, or -1 when that is for later or never; then the fetch waits or has
 * ended. */
int retry_choose_mirror(struct schedule *s, struct fetch *fetch, int64_t now);
/* A try failed. One of the two tries of a fetch, while the other goes on: */
void retry_note_failure(
	struct fetch *fetch, unsigned mirror, const struct try_result *result);
/* The only one: the fetch is queued again, or ends when its time is up. */
void retry_fetch(struct schedule *s, struct fetch *fetch, unsigned mirror,
	const struct try_result *result, int64_t now);

#endif
