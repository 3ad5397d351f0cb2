/* SPDX-License-Identifier: MIT */
/*
 * One write transaction of the books: takes changes in, gives an outcome out, all of it
 * or nothing. Its only wait is for whoever else writes, bounded by the caller's deadline.
 */
#ifndef CAIRN_CACHE_META_TRANSACTION_H
#define CAIRN_CACHE_META_TRANSACTION_H

#include "cache/meta/changes.h"

/* Sorts c->ops and sets their results. *out is the caller's to release; on an error
 * nothing is in it. ERR_TIMEOUT: others wrote until `deadline` (CLOCK_MONOTONIC, ns);
 * ERR_NO_SPACE: the disk is full; ERR_CORRUPT: the environment is damaged. */
int transaction_commit(
	struct metadata *m, int64_t deadline, struct changes *c, struct outcome *out);
/* The same for who holds metadata_lock(). */
int transaction_commit_locked(struct metadata *m, struct changes *c, struct outcome *out);

#endif
