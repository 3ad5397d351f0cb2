/* SPDX-License-Identifier: MIT */
/*
 * The inside of `struct engine`, for source.c, flight.c and dataset.c. The fetcher and
 * the workers outlive every source; what the engine points at outlives the engine.
 */
#ifndef CAIRN_SOURCE_ENGINE_H
#define CAIRN_SOURCE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "source/source.h"
#include "util/workers.h"

struct engine {
	struct cache *cache; /* borrowed */
	struct log *log;     /* borrowed */
	struct fetcher *fetcher;
	struct workers *workers;
	atomic_uint sources; /* alive: none may be left in engine_free */
	atomic_int_least64_t
		complained; /* that a put failed, CLOCK_MONOTONIC ns; 0: not yet */

	pthread_mutex_t codecs_mtx; /* codecs, idle */
	struct blob_codec **codecs; /* idle ones; room for one per worker */
	unsigned idle, capacity;
};

/* A codec that nobody else uses, to be given back; NULL without memory. */
struct blob_codec *engine_codec_get(struct engine *e);
/* A put failed. Where there is no room that is so for many blobs, now and then: worth a
 * line a minute, not one per blob. */
bool engine_may_complain(struct engine *e);
void engine_codec_put(struct engine *e, struct blob_codec *codec);

#endif
