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
/* `failed` is told of each file whose chunks could not be had, or came and were not kept
 * (`unkept`), with the reason; on the tool's thread, within prefetcher_add or
 * prefetcher_finish. */
typedef void (*prefetcher_failed_fn)(
	void *ctx, const char *path, bool unkept, const struct trouble *t);
/* Borrows the reader, which must outlive it. ERR_NO_MEMORY. */
int prefetcher_new(
	struct reader *r, prefetcher_failed_fn failed, void *ctx, struct prefetcher **out);
/* Asks for what of the file's data is not here. Blocks while enough is under way. An error
 * is the recipe's (with a sentence): the others may go on. */
int prefetcher_add(struct prefetcher *p, const struct entry *e, struct trouble *t);
/* The same for a part of it. Of a file that shares its object with others, the whole object
 * is asked for. */
int prefetcher_add_part(struct prefetcher *p, const struct entry *e, uint64_t offset,
	uint64_t size, struct trouble *t);
/* From now on nothing is waited for: prefetcher_add() gives ERR_INTERRUPTED, and
 * prefetcher_finish() comes back. Any thread, while another is in these. */
void prefetcher_stop(struct prefetcher *p);
/* Waits for all that is under way. */
void prefetcher_finish(struct prefetcher *p);
/* After prefetcher_finish(), which it calls. NULL is taken. */
void prefetcher_free(struct prefetcher *p);
/* Bytes of objects that are now in the cache (or were there before), and fetched ones. */
void prefetcher_count(struct prefetcher *p, uint64_t *present, uint64_t *fetched);
/* Bytes that were here or have come by now, kept or not yet. Any thread. */
uint64_t prefetcher_ready(const struct prefetcher *p);

/* Bytes of the chunks of that part which are not in the cache. */
int prefetcher_lacks(struct reader *r, const struct entry *e, uint64_t offset,
	uint64_t size, uint64_t *bytes);

/* Asks for the chunks of the next few megabytes of a file, without waiting. */
void prefetcher_ahead(struct reader *r, const struct entry *e, uint64_t offset);

#endif
