/* SPDX-License-Identifier: MIT */
/*
 * One write transaction of the books: takes changes in, gives an outcome out, all of it
 * or nothing. Others that write have been waited for by then; what may be waited for in it
 * is the readers of this process, when LMDB's map has to grow.
 */
#ifndef CAIRN_CACHE_META_TRANSACTION_H
#define CAIRN_CACHE_META_TRANSACTION_H

#include "cache/meta/changes.h"

/* For who holds metadata_lock(). Sorts c->ops and sets their results. *out is the caller's
 * to release; on an error nothing is in it. ERR_NO_SPACE: the disk is full; ERR_CORRUPT:
 * the environment is damaged. */
int transaction_commit(struct metadata *m, struct changes *c, struct outcome *out);

#endif
