/* SPDX-License-Identifier: MIT */
/*
 * A deadline is one without progress: a fetch that has `patience` gets more time for each
 * byte that it has never had before, and while it waits for its turn, for those of all
 * others. A byte is worth 1/PROGRESS_LEAST of a second, and no fetch is ever granted more
 * than its patience from the last byte on. So a line of half a megabit (61 KiB/s) may be
 * shared by fifteen transfers, and a server that sends a byte now and then holds nobody up
 * for much longer than one that is silent: at most for patience + size / PROGRESS_LEAST.
 * Bytes that come again after a broken connection earn nothing.
 * Pure; the schedule's lock guards it all.
 */
#ifndef CAIRN_NET_PROGRESS_H
#define CAIRN_NET_PROGRESS_H

#include "net/fetch.h"

#define PROGRESS_LEAST 4096 /* bytes a second */

/* Of all that is under way. */
struct progress {
	int64_t paid;  /* CLOCK_MONOTONIC ns: until then it was fast enough, on the whole */
	int64_t total; /* ns of it, ever */
};

/* Something is under way again after nothing was. */
void progress_begin(struct progress *p, int64_t now);
/* So many bytes of the body are there, the last of which came at `heard`. */
void progress_note(
	struct progress *p, struct fetch *fetch, uint64_t size, int64_t heard, int64_t now);
/* A body is complete. */
void progress_complete(struct progress *p, int64_t now);
/* The fetch waits for its turn, from now on. */
void progress_queue(const struct progress *p, struct fetch *fetch);
/* It still does: it has as much more as the others have got on since, but never more than
 * its patience. */
void progress_renew(const struct progress *p, struct fetch *fetch, int64_t now);

#endif
