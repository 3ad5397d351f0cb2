/* SPDX-License-Identifier: MIT */
/*
 * A party that waits for blobs, embedded in the request it is about. Wanting and
 * forgetting are source.h's; this is what both sides know of it.
 */
#ifndef CAIRN_SOURCE_WAITER_H
#define CAIRN_SOURCE_WAITER_H

#include <stdbool.h>

#include "format/blob_buffer.h"
#include "util/error.h"

/* Zero-initialise, set ready. One source at a time. */
struct waiter {
	/* All wants have been delivered, or kept (error 0), or one failed for good. Runs
	 * once per source_want, never within it, without locks held, on a worker thread;
	 * may call source_want again, and may end the waiter's life. */
	void (*ready)(struct waiter *waiter);
	/* Set by the party before it wants: not the bytes but that the cache keeps them is
	 * waited for, and it fails with why they were not kept (ERR_NO_SPACE, ...). Else
	 * it gets the bytes before they are kept, and whether or not they can be. */
	bool wants_kept;
	/* For ready(): */
	int error;
	bool unkept; /* with an error: it came, but was not kept */
	struct trouble trouble;
	struct blob_buffers
		buffers; /* kept until waiter_release; none when it wants_kept */
	/* The source's own: */
	struct waiter_line *line; /* NULL when it waits for nothing */
};

/* Lets go of what has arrived. Not while it waits. */
void waiter_release(struct waiter *waiter);

#endif
