/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/engine.h"
#include "util/clock.h"

#define WORKERS_MIN 2 /* so that one slow put does not stop all decoding */
#define WORKERS_MAX 64
#define COMPLAIN_EVERY (60 * NS_PER_SECOND)

static unsigned worker_count(unsigned asked)
{
	long processors = asked ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);

	if (processors < WORKERS_MIN)
		return WORKERS_MIN;
	return processors > WORKERS_MAX ? WORKERS_MAX : (unsigned)processors;
}

static int engine_start(
	struct engine *e, const struct engine_options *options, struct trouble *t)
{
	const struct fetcher_options fetcher = {
		.log = options->log,
		.credentials = options->credentials,
		.memory = options->memory,
	};
	int rc;

	e->capacity = worker_count(options->workers);
	e->codecs = calloc(e->capacity, sizeof(e->codecs[0]));
	if (!e->codecs)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = workers_new("decode", e->capacity, &e->workers);
	if (rc)
		return trouble_set(t, rc, "cannot start %u decode threads: %s", e->capacity,
			error_text(rc));
	return fetcher_new(&fetcher, &e->fetcher, t);
}

int engine_new(const struct engine_options *options, struct engine **out, struct trouble *t)
{
	struct engine *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	e->cache = options->cache;
	e->log = options->log;
	atomic_init(&e->sources, 0);
	atomic_init(&e->complained, 0);
	pthread_mutex_init(&e->codecs_mtx, NULL);
	rc = engine_start(e, options, t);
	if (rc) {
		engine_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	assert(atomic_load(&e->sources) == 0);
	/* The fetcher's callbacks add jobs, so it ends first. */
	if (e->fetcher)
		fetcher_free(e->fetcher);
	workers_free(e->workers);
	while (e->idle > 0)
		blob_codec_free(e->codecs[--e->idle]);
	pthread_mutex_destroy(&e->codecs_mtx);
	free(e->codecs);
	free(e);
}

struct cache *engine_cache(struct engine *e)
{
	return e->cache;
}

struct fetcher *engine_fetcher(struct engine *e)
{
	return e->fetcher;
}

bool engine_may_complain(struct engine *e)
{
	int64_t last = atomic_load(&e->complained), now = clock_monotonic();

	return (last == 0 || now - last >= COMPLAIN_EVERY) &&
	       atomic_compare_exchange_strong(&e->complained, &last, now);
}

struct blob_codec *engine_codec_get(struct engine *e)
{
	struct blob_codec *codec = NULL;

	pthread_mutex_lock(&e->codecs_mtx);
	if (e->idle > 0)
		codec = e->codecs[--e->idle];
	pthread_mutex_unlock(&e->codecs_mtx);
	return codec ? codec : blob_codec_new();
}

void engine_codec_put(struct engine *e, struct blob_codec *codec)
{
	pthread_mutex_lock(&e->codecs_mtx);
	if (e->idle < e->capacity) {
		e->codecs[e->idle++] = codec;
		codec = NULL;
	}
	pthread_mutex_unlock(&e->codecs_mtx);
	blob_codec_free(codec);
}
