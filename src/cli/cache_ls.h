/* SPDX-License-Identifier: MIT */
/* How much of each file is held: a verb of `cairn cache`, for cmd_cache.c. Looks at the
 * pages that are in the cache and asks no server. Results: see cache_command.h. */
#ifndef CAIRN_CLI_CACHE_LS_H
#define CAIRN_CLI_CACHE_LS_H

#include "cli/cache_command.h"

/* Operands: URL or mount point, and paths; none: all datasets that the cache knows. */
int cache_ls(struct cache_command *c, struct trouble *t);

#endif
