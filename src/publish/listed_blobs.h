/* SPDX-License-Identifier: MIT */
/*
 * The side of tombstones.h of who writes to a store: which blobs are listed to be deleted,
 * and how what is relied on is taken off: it is put again, so that it is younger than the
 * list. Lists that came meanwhile are looked at once more, right before a manifest is
 * written. Where no list is, it costs a look for them. Lock: one mutex over what was put
 * again. Blocks on the store.
 */
#ifndef CAIRN_PUBLISH_LISTED_BLOBS_H
#define CAIRN_PUBLISH_LISTED_BLOBS_H

#include "publish/tombstones.h"

#define RESCUED_MAX                                                                        \
	(1u << 20) /* blobs that are put again into a store that is not locked */

struct listed_blobs;
/* Looks, before anything in the store is relied on. */
int listed_blobs_new(struct store *s, struct listed_blobs **out, struct trouble *t);
void listed_blobs_free(struct listed_blobs *l); /* may be NULL */

/* A blob that is there is relied on: when it is listed, puts it again. ERR_ABSENT: it has
 * just been deleted. Any thread. */
int listed_blobs_rescue(
	struct listed_blobs *l, const struct digest *blob, struct trouble *t);
/* Right before the manifest is written, which has to happen within the shortest grace
 * period (an hour): puts again what came onto a list since and `relied` says is relied on,
 * durably. ERR_CHANGED: some of it was deleted: publish again. ERR_BUSY: blobs are being
 * deleted. One thread, when no other rescues. */
int listed_blobs_secure(struct listed_blobs *l,
	bool (*relied)(void *ctx, const struct digest *blob), void *ctx, struct trouble *t);
/* Blobs that were put again. */
uint64_t listed_blobs_rescued(struct listed_blobs *l);

#endif
