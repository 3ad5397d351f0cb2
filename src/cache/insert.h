/* SPDX-License-Identifier: MIT */
/*
 * How what was fetched and verified gets into the cache, and the state kept for each
 * dataset. For source.c and dataset.c. Data is written before it is marked; a mark or a
 * page becomes visible to this process at once and is committed in batches by the
 * committer thread. Any thread.
 */
#ifndef CAIRN_CACHE_INSERT_H
#define CAIRN_CACHE_INSERT_H

#include "cache/attempt.h"

/* Is what `want` asks for here? Cheap. */
bool cache_has(struct cache *c, const struct want *want);
/* A decoded page or recipe (a->kind); the reference is shared, not taken over. Errors
 * mean only that it is not kept. */
int cache_put_page(struct cache *c, struct blob_buffer *packed);
/* A verified chunk at its place; evicts others when the quota asks for it. In a hurry, no
 * time is spent on how it lies in memory. ERR_NO_SPACE: not kept. */
int cache_put_chunk(
	struct cache *c, const struct want *want, struct span content, bool hurry);
/* The chunk's bytes from wherever they lie in the cache, hashed and compared: 0,
 * ERR_ABSENT. `buffer` has `size` bytes. */
int cache_copy_chunk(
	struct cache *c, const struct digest *chunk, uint8_t *buffer, uint64_t size);

/* What is remembered of a dataset. Strings and bytes are heap, released by
 * cache_dataset_state_release. */
struct cache_dataset_state {
	char *name;
	char *url;
	struct bytes manifest; /* text of the last accepted manifest */
	char etag[256];	       /* of manifest.json, "" when none */
	uint64_t revision;     /* of the last accepted manifest */
	uint64_t highest;      /* revision ever accepted as newest */
	int64_t accepted;      /* seconds since 1970 */
	struct digest root;
};
/* By dataset id, ERR_ABSENT; and the id that a URL was last known under. */
int cache_dataset_load(
	struct cache *c, const struct digest *id, struct cache_dataset_state *out);
int cache_dataset_by_url(struct cache *c, const char *url, struct digest *id);
/* Committed when it returns. Never lowers `highest`. */
int cache_dataset_save(
	struct cache *c, const struct digest *id, const struct cache_dataset_state *state);
void cache_dataset_state_release(struct cache_dataset_state *s);

#endif
