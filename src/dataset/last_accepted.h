/* SPDX-License-Identifier: MIT */
/*
 * What the cache remembers of datasets that were opened before: the last manifest that was
 * accepted under a URL, and the highest revision of a dataset that was ever seen. For
 * dataset.c. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_DATASET_LAST_ACCEPTED_H
#define CAIRN_DATASET_LAST_ACCEPTED_H

#include "cache/dataset_state.h"
#include "format/manifest.h"

struct last_accepted {
	bool exists; /* else the rest is zero */
	struct dataset_record record;
	struct digest id; /* of the dataset */
};

/* What is of use for that URL: a manifest, and its ETag only if this URL gave it, for a
 * dataset may be known under several. */
void last_accepted_load(struct cache *c, const char *url, struct last_accepted *out);
void last_accepted_release(struct last_accepted *l);
/* Is `m`, offered by `url` as the newest, no older than what was seen? ERR_ROLLBACK, or why
 * the cache cannot be read, with a sentence. */
int last_accepted_check(struct cache *c, const struct digest *id, const char *url,
	const struct manifest *m, struct trouble *t);
/* Remembers `m`, of that text, as accepted now. On the disk when it returns. */
int last_accepted_save(struct cache *c, const struct digest *id, const char *url,
	const struct manifest *m, const struct bytes *text, const char *etag);

#endif
