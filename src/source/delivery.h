/* SPDX-License-Identifier: MIT */
/*
 * Handing a blob in flight, or why it cannot be had, to those who wait for it: waiters
 * and deltas whose base it is. For download.c, on the worker whose stage it is. Calls
 * ready(), without a lock.
 */
#ifndef CAIRN_SOURCE_DELIVERY_H
#define CAIRN_SOURCE_DELIVERY_H

#include "source/in_flight.h"

/* Called locked, unlocks: hands f->content (NULL: it is in the cache) or f->error to all
 * who wait, and ends the blob's flight. */
void delivery_finish(struct in_flight *f);
/* The same, not called locked; false, and nothing done, when somebody has joined with a
 * place beyond the first `seen`. */
bool delivery_try_finish(struct in_flight *f, unsigned seen);
/* f->error being set: hands it to those whose deadline has passed. True when others are
 * left: the error is cleared, and the earliest of their deadlines is the blob's. */
bool delivery_expire(struct in_flight *f);
/* Finishes with f->error. */
void delivery_fail(struct in_flight *f);

#endif
