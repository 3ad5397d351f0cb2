/* SPDX-License-Identifier: MIT */
/*
 * What may be believed of the objects' files, and the only place where that is written.
 * A mark in the books says that a chunk was handed to the kernel; whether it is on the
 * disk is another question, which matters once the machine has stopped. So marks belong
 * to an epoch, a generation that only ever rises:
 *
 *   - who enters alone, in another boot of the machine or another mount of the file
 *     system than those before, begins a new one, unless all was known to be flushed
 *     (`clean`);
 *   - in the same ones, it distrusts what those before, who were killed, had marked and
 *     not flushed (unflushed.h);
 *   - who finds other books than the files', older ones of a backup, begins a new one;
 *   - who enters while others are there joins their epoch, whatever he knows of boots:
 *     their locks show that neither machine nor file system have stopped since;
 *   - a flush that failed begins a new one, and nothing is known to be flushed then;
 *   - a chunk that was marked in an earlier one is hashed before its first use.
 *
 * Values in, values out; no thread, no file.
 */
#ifndef CAIRN_CACHE_META_TRUST_EPOCH_H
#define CAIRN_CACHE_META_TRUST_EPOCH_H

#include <stdbool.h>

#include "cache/meta/metadata.h"

struct trust_epoch {
	uint64_t boot; /* of this process: which boot of the machine and mount of the file
			* system, a hash */
	uint64_t generation; /* that it marks under */
};

/* Within a transaction: enters, with e->boot given. `alone`: nobody else uses the cache;
 * `others`, when alone: the books are not those, or older than those, that the files were
 * last written under. *clean: all that was marked before is known to be on the disk. */
int trust_epoch_enter(struct metadata *m, MDB_txn *txn, struct trust_epoch *e, bool alone,
	bool others, bool *clean);
/* Within a transaction that marks: from now on the disk may hold less than the books say.
 */
int trust_epoch_mark(struct metadata *m, MDB_txn *txn, const struct trust_epoch *e);

/* Was nothing marked since the last flush? True also when that cannot be told. */
bool trust_epoch_is_clean(struct metadata *m);
/* All files were flushed without an error, and nobody marks meanwhile. Of no effect while
 * something is not known to be flushed. */
int trust_epoch_flushed(struct metadata *m, int64_t deadline, const struct trust_epoch *e);
/* A flush failed: nobody knows what is on the disk. */
int trust_epoch_failed(struct metadata *m, int64_t deadline, struct trust_epoch *e);
/* The generation as it is now; what is in memory of older ones is to be opened anew. */
int trust_epoch_generation(struct metadata *m, MDB_txn *txn, uint64_t *generation);

#endif
