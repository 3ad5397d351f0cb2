/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of datasets that were opened before: in the cache the last manifest
 * that was accepted under a URL; beside the known keys (known_datasets.h) what must outlive
 * the cache. Where that cannot be written, and for datasets that it does not know (an older
 * program wrote the cache), the highest revision that the cache has counts as well. For
 * dataset.c. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_DATASET_LAST_ACCEPTED_H
#define CAIRN_DATASET_LAST_ACCEPTED_H

#include "cache/dataset_state.h"
#include "dataset/known_datasets.h"
#include "format/manifest.h"

struct last_accepted {
	bool exists; /* else the rest is zero */
	struct dataset_record record;
	struct digest id; /* of the dataset; with a tag, of both */
};

/* What is of use for that URL: a manifest, and its ETag only if this URL gave it, for a
 * dataset may be known under several. With a tag: what that was on, and its text. */
void last_accepted_load(
	struct cache *c, const char *url, const char *tag, struct last_accepted *out);
void last_accepted_release(struct last_accepted *l);
/* The highest revision that was seen; 0: none was. `keys` is the path of the known keys.
 * Why it cannot be read, with a sentence. */
int last_accepted_highest(struct cache *c, const char *keys, const struct digest *id,
	uint64_t *highest, struct trouble *t);
/* Is `m`, offered by `url` as the newest, no older than that? ERR_ROLLBACK, with a
 * sentence. */
int last_accepted_check(
	uint64_t highest, const char *url, const struct manifest *m, struct trouble *t);
/* Remembers that a tag of that text is on `m`. As below else. */
int last_accepted_save_tag(struct cache *c, const struct digest *id, const char *url,
	const char *tag, const struct bytes *tag_text, const struct manifest *m,
	const struct bytes *text);
/* Remembers `m`, of that text, as accepted now. On the disk when it returns. */
int last_accepted_save(struct cache *c, const struct digest *id, const char *url,
	const struct manifest *m, const struct bytes *text, const char *etag);

#endif
