/* SPDX-License-Identifier: MIT */
/*
 * What the cache remembers of a dataset: its last accepted manifest, and the highest
 * revision that was ever seen. Any thread; blocking disk I/O.
 */
#ifndef CAIRN_CACHE_DATASET_STATE_H
#define CAIRN_CACHE_DATASET_STATE_H

#include "cache/cache.h"
#include "cache/meta/dataset_record.h"

/* By dataset id; released by dataset_record_release(). ERR_ABSENT. */
int cache_dataset_load(
	struct cache *c, const struct digest *id, struct dataset_record *out);
/* The id that a URL was last known under. ERR_ABSENT. */
int cache_dataset_by_url(struct cache *c, const char *url, struct digest *id);
/* Committed when it returns. Never lowers `highest`. ERR_TIMEOUT: others write. */
int cache_dataset_save(
	struct cache *c, const struct digest *id, const struct dataset_record *record);

#endif
