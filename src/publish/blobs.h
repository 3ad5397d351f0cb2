/* SPDX-License-Identifier: MIT */
/*
 * The blobs of the revision that is being published: each is put into the store unless it
 * is there, plain or, where an older one resembles it, as a delta; their number and sizes
 * are added up. Any thread; lock: one mutex over the list of blobs being written, so that
 * two threads that meet the same content do not both compress it.
 */
#ifndef CAIRN_PUBLISH_BLOBS_H
#define CAIRN_PUBLISH_BLOBS_H

#include "publish/scratch.h"
#include "publish/store.h"

struct blobs;
/* `writers`: threads that will put at the same time, at most. `verify`: decodes what is
 * there before it counts. NULL without memory. */
struct blobs *blobs_new(struct store *store, int level, unsigned writers, bool verify);
void blobs_free(struct blobs *b);
/* Looks which blobs are listed to be deleted (listed_blobs.h), before any is adopted: such
 * a one is put again when it is. */
int blobs_heed_lists(struct blobs *b, struct trouble *t);
/* Before the manifest is written: of what was adopted, nothing will be deleted. As
 * listed_blobs_secure(). */
int blobs_secure(struct blobs *b, struct trouble *t);

/* Where to look for a chunk that resembles one: asked only when that is not in the store.
 * 0 and a digest, or any error for none. */
struct base_hint {
	int (*find)(void *ctx, struct scratch *x, struct digest *out);
	void *ctx;
};

/* `content` is stored under its digest `name`. `hint` may be NULL. */
int blobs_put(struct blobs *b, struct scratch *x, const struct digest *name,
	struct span content, const struct base_hint *hint, struct trouble *t);
/* Where what is made on the way goes, recipes and lists of extents: its blobs_sink_emit()
 * is a recipe_emit_fn and an extent_list_emit_fn. */
struct blobs_sink {
	struct blobs *blobs;
	struct scratch *x;
	struct trouble *t;
	int rc; /* the last failure: the store's, of no file */
};
int blobs_sink_emit(void *ctx, const struct digest *name, struct span text);
/* Is it in the store, whole and with its base? Then it counts as this revision's: 0.
 * ERR_ABSENT; ERR_CORRUPT: what is there cannot be used. `size`: bytes that it has to hold;
 * 0: any. Uses x->plain. */
int blobs_adopt(
	struct blobs *b, struct scratch *x, const struct digest *name, uint64_t size);

struct blob_totals {
	uint64_t stored; /* bytes of all blobs of the revision */
	uint64_t new_blobs, new_bytes, delta_blobs;
	uint64_t damaged_blobs; /* were found in the store, and written anew */
	bool delta;		/* some blob of the revision is a delta */
};
struct blob_totals blobs_totals(struct blobs *b);

#endif
