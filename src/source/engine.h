/* SPDX-License-Identifier: MIT */
/*
 * The machinery that all sources of a process share: the fetcher, the decode workers, and
 * the queue of what is to be kept.
 * Made by tools and mounts, after any fork; used by the rest of this room and by
 * dataset/. All functions but new and free from any thread.
 */
#ifndef CAIRN_SOURCE_ENGINE_H
#define CAIRN_SOURCE_ENGINE_H

#include "cache/cache.h"
#include "net/fetcher.h"
#include "source/codec_pool.h"
#include "source/keep_queue.h"
#include "util/workers.h"

struct engine_options {
	struct cache *cache; /* borrowed until engine_free, like log and credentials */
	struct log *log;
	const struct credentials *credentials;
	/* Bytes, of what is fetched, decoded or yet to be kept; 0: 64 MiB, or an eighth of
	 * what the process's control group has, but no less than 4. */
	uint64_t memory;
	unsigned workers; /* decode threads; 0: the number of processors, 2 at least */
};

struct engine;
/* ERR_NO_MEMORY, ERR_IO (no thread), with a sentence. */
int engine_new(
	const struct engine_options *options, struct engine **out, struct trouble *t);
/* All its sources have been freed. */
void engine_free(struct engine *e);

/* Borrowed, until engine_free. */
struct cache *engine_cache(struct engine *e);
struct log *engine_log(struct engine *e);
struct fetcher *engine_fetcher(struct engine *e);
struct workers *engine_workers(struct engine *e);
unsigned engine_worker_count(const struct engine *e);
struct codec_pool *engine_codecs(struct engine *e);
struct keep_queue *engine_keeps(struct engine *e);

/* Bytes of chunks that have come, from mirrors or from elsewhere in the cache, and been
 * found right, and what has come so far of the next ones: for whoever shows how far
 * something is. It may fall a little. */
uint64_t engine_delivered(const struct engine *e);
void engine_note_delivered(struct engine *e, uint64_t bytes);

/* A source begins or ends: none may be left in engine_free. */
void engine_attach(struct engine *e);
void engine_detach(struct engine *e);

/* Something could not be kept. Where there is no room that is so for many blobs: worth a
 * line a minute, not one per blob. */
bool engine_may_complain(struct engine *e);

#endif
