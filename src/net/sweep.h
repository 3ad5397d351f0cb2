/* SPDX-License-Identifier: MIT */
/*
 * What time alone brings about: which tries have been silent for too long, are past their
 * deadline or are slower than their peers, and when to look again. For the fetcher's
 * thread, with the schedule's lock held.
 */
#ifndef CAIRN_NET_SWEEP_H
#define CAIRN_NET_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "net/schedule.h"
#include "net/tries.h"

/* A try for `fetch` begins: sees that a sweep comes when it could first be due. */
void sweep_expect(struct schedule *s, const struct fetch_try_settings *settings,
	const struct fetch *fetch, int64_t now);
/* The bytes that have come since the last look move the deadline. */
void sweep_note_progress(struct schedule *s, const struct fetch_try *t, int64_t now);
/* Sets `stop` and `late` of each try, and sweeps the schedule (`stopping`: of all).
 * Afterwards s->sweep_at is when the next is due. True when a try is to be broken off. */
bool sweep_run(struct schedule *s, struct tries *tries, int64_t now, bool stopping);

#endif
