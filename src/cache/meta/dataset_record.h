/* SPDX-License-Identifier: MIT */
/* What is remembered of a dataset as a value of the metadata. Pure; any thread. */
#ifndef CAIRN_CACHE_META_DATASET_RECORD_H
#define CAIRN_CACHE_META_DATASET_RECORD_H

#include "cache/insert.h"

/* ERR_CORRUPT, ERR_NO_MEMORY. Owned by the caller: cache_dataset_state_release(). */
int dataset_state_decode(struct span value, struct cache_dataset_state *out);
/* Appended; ERR_LIMIT when a part is longer than the format allows. */
int dataset_state_encode(const struct cache_dataset_state *s, struct bytes *out);

#endif
