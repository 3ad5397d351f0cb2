/* SPDX-License-Identifier: MIT */
/*
 * The base of a delta, where the cache has it: an edited bundle is a delta of the one
 * that was read before. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_CACHE_DELTA_BASE_H
#define CAIRN_CACHE_DELTA_BASE_H

#include "cache/cache.h"
#include "format/blob_buffer.h"

/* A chunk of which only the name is known, verified, with one reference. ERR_ABSENT: it is
 * nowhere in the cache. */
int delta_base_recall(
	struct cache *c, const struct digest *chunk, struct blob_buffer **out);

#endif
