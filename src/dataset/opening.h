/* SPDX-License-Identifier: MIT */
/*
 * From a URL to a manifest that is to be believed: fetched, decoded, checked against the
 * pinned key, what was seen before, and its expiry. What dataset_open() and
 * dataset_refresh() share. A store that offers something older than was accepted before, as
 * a cache on the way may, is asked at its other mirrors; then the last accepted manifest
 * goes on being the newest. Blocking; one thread.
 */
#ifndef CAIRN_DATASET_OPENING_H
#define CAIRN_DATASET_OPENING_H

#include "dataset/opened.h"
#include "dataset/last_accepted.h"
#include "dataset/manifest_fetch.h"
#include "dataset/signer.h"

struct opening {
	/* Set by the caller, borrowed: */
	struct engine *engine;
	const struct dataset_options *options;
	struct dataset *dataset; /* has its URL and its source; the rest is filled in */
	struct signer signer;	 /* its known_keys is set */
	/* zero before: */
	struct manifest_fetch fetch;
	struct last_accepted last;     /* of the URL */
	struct last_accepted last_tag; /* of the tag that was asked for */
	uint64_t highest;	       /* revision of the dataset that was seen; 0: none */
	int64_t tag_created; /* of the tag that was asked for, seconds since 1970 */
	uint64_t outdated;   /* bit per mirror that offers something older */
	struct trouble why;  /* it is not what the server offers now, if it offers anything;
			      * else without text */
};

bool opening_wants_newest(const struct opening *o);
/* Fills in manifest, text, key and id of the dataset. Errors of dataset_open(). */
int opening_bring(struct opening *o, struct trouble *t);
/* Those of the manifest. */
void opening_add_mirrors(const struct opening *o);
/* Remembers what was accepted: beside the known keys, and in the cache. */
void opening_accept(const struct opening *o);
void opening_release(struct opening *o);

#endif
