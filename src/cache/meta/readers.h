/* SPDX-License-Identifier: MIT */
/*
 * Who reads in the environment, of all processes, as LMDB's table of readers has it. LMDB
 * uses a page again when nobody can see any more what was in it; so one who begins to read
 * and is stopped makes its file grow with each commit, for as long as he lives.
 */
#ifndef CAIRN_CACHE_META_READERS_H
#define CAIRN_CACHE_META_READERS_H

#include "cache/meta/metadata.h"

/* The one who reads the oldest state, if many commits were made since; else all zero. */
struct readers_lag {
	uint64_t commits;
	uint64_t held; /* bytes of free pages that cannot be used again because of him */
	int pid;       /* his, where he lives: that may be another container */
};
/* Within a transaction, of any kind. The dead are passed over, and their slots freed. */
int readers_look(struct metadata *m, MDB_txn *txn, struct readers_lag *out);

#endif
