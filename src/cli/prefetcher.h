/* SPDX-License-Identifier: MIT */
/*
 * Brings the contents of many files into the cache with many requests under way at
 * once: the engine behind `prefetch` and ahead of `get` and `cat`. Called on the tool's
 * thread; answers arrive on the engine's workers.
 */
#ifndef CAIRN_CLI_PREFETCHER_H
#define CAIRN_CLI_PREFETCHER_H

#include "cli/reader.h"

struct prefetcher;
/* `failed` is told of each file whose chunks could not be had, with the reason; on the
 * tool's thread, within prefetcher_add or prefetcher_finish. */
typedef void (*gather_failed_fn)(void *ctx, const char *path, const struct trouble *t);
int prefetcher_new(
	struct reader *r, gather_failed_fn failed, void *ctx, struct prefetcher **out);
/* Asks for what of the file's data is not here. Blocks while enough is under way. */
int prefetcher_add(struct prefetcher *g, const struct entry *e, struct trouble *t);
/* Waits for all that is under way. */
void prefetcher_finish(struct prefetcher *g);
void prefetcher_free(struct prefetcher *g);
/* Bytes of objects that are now in the cache (or were there before), and fetched ones. */
void prefetcher_count(struct prefetcher *g, uint64_t *present, uint64_t *fetched);

/* Asks for the chunks of the next few megabytes of a file, without waiting. */
void prefetcher_ahead(struct reader *r, const struct entry *e, uint64_t offset);

#endif
