/* SPDX-License-Identifier: MIT */
/*
 * The files of a dataset as far as its pages are in the cache, and what of them is: asks no
 * server. For `cairn cache`. The tool's thread.
 */
#ifndef CAIRN_CLI_HELD_H
#define CAIRN_CLI_HELD_H

#include "cache/inspect.h"
#include "cli/reader.h"

/* What pages that are not in the cache tell of. */
struct held_gaps {
	uint64_t entries, bytes;
};
/* Each entry in order, within one attempt; both borrowed. Non-zero stops and is returned.
 */
typedef int (*held_fn)(void *ctx, struct attempt *a, const struct entry *e);
int held_each(struct reader *r, held_fn each, void *ctx, struct held_gaps *gaps);

/* How many bytes of a file are here, and its object, all zero if nothing is. */
int held_look(struct attempt *a, const struct entry *e, uint64_t *resident,
	struct cache_object *object);

#endif
