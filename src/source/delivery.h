/* SPDX-License-Identifier: MIT */
/*
 * Handing a blob in flight, or why it cannot be had, to those who wait for it: to readers
 * and to deltas whose base it is once it is decoded, to those who want it kept at the
 * end. For download.c and keep.c, on the thread whose stage it is. Calls ready(), without
 * a lock.
 */
#ifndef CAIRN_SOURCE_DELIVERY_H
#define CAIRN_SOURCE_DELIVERY_H

#include "source/in_flight.h"

/* Not called locked. f->content is there: hands it to all who want the bytes. From here
 * on it is in KEEPING, and who joins has it at once. */
void delivery_begin(struct in_flight *f);
/* The step for those (in_flight_steps). */
void delivery_late(struct job *job);
/* Called locked, unlocks: hands f->content (NULL: it is in the cache) or f->error to all
 * who wait, to those who want it kept what came of that, and ends the blob's flight. */
void delivery_finish(struct in_flight *f);
/* The same, not called locked; false, and nothing done, when somebody has joined with a
 * place beyond the first `seen`. */
bool delivery_try_finish(struct in_flight *f, unsigned seen);
/* Not called locked. Finishes with f->error. */
void delivery_fail(struct in_flight *f);
/* The same; but when the blob's deadline has passed, only for those whose own it was. True
 * when others are left, for whom it goes on: the error is cleared, and the earliest of
 * their deadlines is the blob's. */
bool delivery_fail_overdue(struct in_flight *f);

#endif
