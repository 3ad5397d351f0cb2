/* SPDX-License-Identifier: MIT */
/*
 * Publishes anew what an old revision of a store holds: a new manifest with the old root,
 * under the next number, so that readers, who never go back, follow. No content is read or
 * written; that all of it is still there, and nothing of it cut, is looked at first. Killed
 * anywhere, the store has the revision that it had, or the new one. For `cairn rollback`,
 * on the tool's thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_ROLLBACK_H
#define CAIRN_PUBLISH_ROLLBACK_H

#include "publish/revision.h"

struct rollback_options {
	struct store *store; /* open for writing; borrowed, like all of it */
	uint64_t revision;   /* which is to come back */
	const char *message; /* NULL: one that says what was done */
	const char *tag;     /* for the new revision; or NULL */
	const struct private_key *key;
	/* Called now and then with the blobs that were looked at; may be NULL. */
	void (*progress)(void *ctx, uint64_t blobs);
	void *ctx;
};

struct rollback_result {
	uint64_t revision; /* the new one's number */
	bool unchanged;	   /* the newest holds just that: it stands */
	uint64_t blobs;	   /* that were looked at */
	struct digest root;
	struct totals totals;
};

/* ERR_ABSENT: there is no such revision, or a blob of it is gone; ERR_CORRUPT: a blob is
 * cut or a page is rotten; ERR_UNTRUSTED: neither the key nor the revisions after it vouch
 * for it. Each with a sentence; the store is as it was. */
int rollback(
	const struct rollback_options *o, struct rollback_result *out, struct trouble *t);

#endif
