/* SPDX-License-Identifier: MIT */
/*
 * How what was fetched and verified gets into the cache. Data is written before it is
 * marked; a mark or a page becomes visible to this process at once and is committed in
 * batches by the writer's thread. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_CACHE_INSERT_H
#define CAIRN_CACHE_INSERT_H

#include "cache/cache.h"
#include "format/blob_buffer.h"
#include "format/want.h"

/* Is what `want` asks for here? Cheap. */
bool cache_has(struct cache *c, const struct want *want);
/* A decoded page, recipe or list of extents (its kind says which); the reference is shared,
 * not taken over. Errors mean only that it is not kept. */
int cache_put_page(struct cache *c, struct blob_buffer *packed);
/* A verified chunk at its place. Waits, for a bounded time, until there is room for it. In
 * a hurry, no time is spent on how it lies in memory. ERR_NO_SPACE: not kept. */
int cache_put_chunk(
	struct cache *c, const struct want *want, struct span content, bool hurry);
/* Something that was brought will not be put: see cache_losses(). */
void cache_note_loss(struct cache *c);
/* The chunk's bytes from wherever they lie in the cache, hashed and compared: 0,
 * ERR_ABSENT. `buffer` has `size` bytes. */
int cache_copy_chunk(
	struct cache *c, const struct digest *chunk, uint8_t *buffer, uint64_t size);

#endif
