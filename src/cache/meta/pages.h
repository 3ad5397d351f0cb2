/* SPDX-License-Identifier: MIT */
/*
 * Pages and recipes in the books: finding one, with its checksum verified once per
 * process; putting those of a transaction. The books have a cap (space.h): for what is
 * new, other pages go then, at random (their keys are digests), which needs no record of
 * use; those that this process uses last of all.
 */
#ifndef CAIRN_CACHE_META_PAGES_H
#define CAIRN_CACHE_META_PAGES_H

#include "cache/meta/space.h"
#include "cache/meta/verified_pages.h"

/* The packed bytes, borrowed from the transaction. ERR_ABSENT; ERR_CORRUPT: rotten, to be
 * deleted by a transaction (changes.rotten). */
int pages_find(struct metadata *m, MDB_txn *txn, struct verified_pages *verified,
	const struct digest *digest, enum blob_kind *kind, struct span *packed);
/* Is a checked value a page or recipe that this program can read? */
int pages_check(struct span value, enum blob_kind *kind, struct span *packed);

/* Within a transaction: deletes and puts what the changes say. o->pages_kept tells
 * whether there was room; o->short_of what has to be made free for them, if that is
 * possible. */
int pages_apply(struct space *s, const struct changes *c, struct outcome *o);

/* In a transaction of its own: deletes all pages but those `count` in `keep`. */
int pages_clear(struct metadata *m, int64_t deadline, struct verified_pages *verified,
	const struct digest *keep, size_t count);

#endif
