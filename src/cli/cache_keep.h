/* SPDX-License-Identifier: MIT */
/* What is to be kept in the cache and what is to go: verbs of `cairn cache`, for
 * cmd_cache.c. Results: see cache_command.h. */
#ifndef CAIRN_CLI_CACHE_KEEP_H
#define CAIRN_CLI_CACHE_KEEP_H

#include "cli/cache_command.h"

/* Operands: URL or mount point, and paths or globs (none: all). */
int cache_keep_pin(struct cache_command *c, struct trouble *t);
int cache_keep_unpin(struct cache_command *c, struct trouble *t);
/* One of: such operands, `all`, `target`. Spares what is pinned or open. */
int cache_keep_evict(struct cache_command *c, struct trouble *t);

#endif
