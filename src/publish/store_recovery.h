/* SPDX-License-Identifier: MIT */
/*
 * After a writer of a store was cut off (store_unsynced_since()): looks at each blob that
 * is as young as its mark, as a power loss may have left it cut, empty, or full of zeros,
 * and removes what does not decode to its name. What is left is good, and is made durable.
 * Whoever adopts blobs calls it first: publish, copy. Blocking; starts and joins threads of
 * its own.
 */
#ifndef CAIRN_PUBLISH_STORE_RECOVERY_H
#define CAIRN_PUBLISH_STORE_RECOVERY_H

#include "publish/store.h"

struct store_recovery {
	/* Set by the caller: */
	struct store *store;
	unsigned jobs;		     /* threads; 0: one */
	void (*progress)(void *ctx); /* now and then, with the counts below; or NULL */
	void *ctx;
	/* What came of it so far: */
	uint64_t looked_at, removed; /* blobs */
};

/* 0 also when there is nothing to do. */
int store_recover(struct store_recovery *r, struct trouble *t);

#endif
