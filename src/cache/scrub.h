/* SPDX-License-Identifier: MIT */
/*
 * Looks through all that the cache keeps, slowly, as long as a mount is there: whatever is
 * rotten by then is thrown out, to be fetched again, and logged. One pass takes the time
 * that it is given; of several mounts of one cache one does it at a time, and goes on where
 * the last one stopped (meta/scrub_record.h).
 *
 * A thread of its own, "cairn-scrub". It reads a chunk at a time in the idle class of I/O,
 * rests four times as long as that took, leaves the kernel's page cache as it found it, and
 * stops while objects are in use, or the machine runs on its battery.
 */
#ifndef CAIRN_CACHE_SCRUB_H
#define CAIRN_CACHE_SCRUB_H

#include "cache/cache.h"

struct scrub;
/* `period`: seconds that a pass takes, at least 1. After any fork. ERR_NO_MEMORY, ERR_IO.
 */
int scrub_new(struct cache *c, int64_t period, struct scrub **out);
/* Notes how far it got, and ends the thread. */
void scrub_free(struct scrub *s);

/* How much a pass should have looked at by now, beyond what it has, in bytes: `elapsed`
 * of `period` seconds are over, and `total` bytes are there. 0: not enough yet to be worth
 * a disk's waking up. */
uint64_t scrub_due(uint64_t total, uint64_t done, int64_t elapsed, int64_t period);

#endif
