/* SPDX-License-Identifier: MIT */
/*
 * The step after a blob was delivered: it is kept in the cache, at all its places, and who
 * wants it kept is told. That has a result of its own: what cannot be kept was delivered
 * all the same. For download.c. Runs on decode workers, not too many at a time
 * (keep_queue.h).
 */
#ifndef CAIRN_SOURCE_KEEP_H
#define CAIRN_SOURCE_KEEP_H

#include "source/in_flight.h"

/* Not called locked. f->content has been delivered to whoever wanted it (or nobody did);
 * finishes `f` when it is kept. May take long. */
void keep_begin(struct in_flight *f);
/* Before a copy is made in the cache: false when it has to wait, because nobody reads it
 * and too much waits to be kept. Then `f` is not its worker's any more, and its job will
 * be run again. */
bool keep_may_copy(struct in_flight *f);
/* That copy could not be made. */
void keep_cancel_copy(struct in_flight *f);

#endif
