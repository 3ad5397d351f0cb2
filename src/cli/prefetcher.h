/* SPDX-License-Identifier: MIT */
/*
 * Brings the contents of many files into the cache with many requests under way at
 * once: the engine behind `prefetch` and ahead of `get` and `cat`. Called on the tool's
 * thread; answers arrive on the engine's workers.
 */
#ifndef CAIRN_CLI_GATHER_H
#define CAIRN_CLI_GATHER_H

#include "cli/reader.h"

struct gather;
/* `failed` is told of each file whose chunks could not be had, with the reason; on the
 * tool's thread, within gather_add or gather_finish. */
typedef void (*gather_failed_fn)(void *ctx, const char *path, const struct trouble *t);
int gather_new(struct reader *r, gather_failed_fn failed, void *ctx, struct gather **out);
/* Asks for what of the file's data is not here. Blocks while enough is under way. */
int gather_add(struct gather *g, const struct entry *e, struct trouble *t);
/* Waits for all that is under way. */
void gather_finish(struct gather *g);
void gather_free(struct gather *g);
/* Bytes of objects that are now in the cache (or were there before), and fetched ones. */
void gather_count(struct gather *g, uint64_t *present, uint64_t *fetched);

/* Asks for the chunks of the next few megabytes of a file, without waiting. */
void gather_ahead(struct reader *r, const struct entry *e, uint64_t offset);

#endif
