/* SPDX-License-Identifier: MIT */
/*
 * What the writer does with one batch: puts together the values that the books need,
 * commits, makes room and commits the rest, and sees to what follows for this process:
 * open objects, the reservation, files to unlink. On the writer's thread.
 */
#ifndef CAIRN_CACHE_WRITE_COMMIT_H
#define CAIRN_CACHE_WRITE_COMMIT_H

#include "cache/write/write_context.h"

/* `shrink`: nothing is going on, the lease is given back. *more: another transaction has
 * something to do. ERR_TIMEOUT: somebody else writes, and the batch can be tried again. Any
 * other error: what was in the batch is forgotten. */
int commit_batch(struct write_context *x, struct batch *b, bool shrink, bool *more);
/* Gives up on a batch that could not be tried. */
void commit_forget(struct write_context *x, struct batch *b);

#endif
