/* SPDX-License-Identifier: MIT */
/*
 * Pins within a transaction: a pinned object has no row in the order of eviction. See
 * inspect.h for what they mean.
 */
#ifndef CAIRN_CACHE_META_PINS_H
#define CAIRN_CACHE_META_PINS_H

#include "cache/meta/records.h"
#include "cache/meta/transaction.h"

#define PIN_NAME_MAX 255 /* bytes: name, NUL and digest are a key of LMDB (511) */

/* Those of a batch. */
int pins_apply(struct cache *c, MDB_txn *txn, const struct batch *b);
bool pins_has(struct cache *c, MDB_txn *txn, const struct digest *object);

#endif
