/* SPDX-License-Identifier: MIT */
/*
 * The rows of chunks and places of objects that were thrown out, deleted a part at a
 * time: an object may have millions. Within a transaction.
 */
#ifndef CAIRN_CACHE_META_PURGE_H
#define CAIRN_CACHE_META_PURGE_H

#include <stdbool.h>

#include "cache/meta/metadata.h"

/* *more: there are rows left. */
int purge_some(struct metadata *m, MDB_txn *txn, bool *more);

#endif
