/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/engine.h"
#include "util/clock.h"
#include "util/memory_limit.h"

#define MEMORY_DEFAULT (UINT64_C(64) << 20)
#define MEMORY_LEAST (UINT64_C(4) << 20)
#define MEMORY_SHARE 8 /* of a container's; the rest is for threads, books and files */
#define WORKERS_MIN 2
#define SPARES 2 /* while all others are held up in the cache (keep_queue.h) */
#define WORKERS_MAX 64
#define COMPLAIN_EVERY (60 * NS_PER_SECOND)

struct engine {
	struct cache *cache; /* borrowed */
	struct log *log;     /* borrowed */
	struct fetcher *fetcher;
	struct workers *workers;
	unsigned worker_count;
	struct codec_pool codecs;
	struct keep_queue *keeps;
	atomic_uint sources;		 /* attached */
	atomic_uint_fast64_t delivered;	 /* bytes of chunks */
	atomic_int_least64_t complained; /* that something was not kept, CLOCK_MONOTONIC ns;
					    0: not yet */
};

static unsigned count_workers(unsigned asked)
{
	long processors = asked ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);

	if (processors < WORKERS_MIN)
		return WORKERS_MIN;
	return processors > WORKERS_MAX ? WORKERS_MAX : (unsigned)processors;
}

static uint64_t default_memory(struct log *log)
{
	uint64_t limit = memory_limit(MEMORY_LIMIT_PROC), share = limit / MEMORY_SHARE;

	if (share >= MEMORY_DEFAULT)
		return MEMORY_DEFAULT;
	if (share < MEMORY_LEAST)
		share = MEMORY_LEAST;
	log_info(log, "memory=%lluK, for the control group has %llu KiB",
		(unsigned long long)share >> 10, (unsigned long long)limit >> 10);
	return share;
}

static int engine_start(
	struct engine *e, const struct engine_options *options, struct trouble *t)
{
	const struct fetcher_options fetcher = {
		.log = options->log,
		.credentials = options->credentials,
		.memory = options->memory ? options->memory : default_memory(options->log),
	};
	int rc = workers_new_spared("decode", e->worker_count, SPARES, &e->workers);

	if (rc)
		return trouble_set(t, rc, "cannot start %u decode threads: %s",
			e->worker_count, error_text(rc));
	rc = keep_queue_new(fetcher.memory / 2, e->worker_count, e->workers, &e->keeps);
	if (rc)
		return trouble_set(t, rc, "out of memory");
	return fetcher_new(&fetcher, &e->fetcher, t);
}

int engine_new(const struct engine_options *options, struct engine **out, struct trouble *t)
{
	struct engine *e = calloc(1, sizeof *e);
	int rc;

	if (!e)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	e->cache = options->cache;
	e->log = options->log;
	e->worker_count = count_workers(options->workers);
	atomic_init(&e->sources, 0);
	atomic_init(&e->delivered, 0);
	atomic_init(&e->complained, 0);
	rc = codec_pool_init(&e->codecs, e->worker_count);
	if (rc) {
		free(e);
		return trouble_set(t, rc, "out of memory");
	}
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
	keep_queue_free(e->keeps);
	codec_pool_release(&e->codecs);
	free(e);
}

struct cache *engine_cache(struct engine *e)
{
	return e->cache;
}

struct log *engine_log(struct engine *e)
{
	return e->log;
}

struct fetcher *engine_fetcher(struct engine *e)
{
	return e->fetcher;
}

struct workers *engine_workers(struct engine *e)
{
	return e->workers;
}

unsigned engine_worker_count(const struct engine *e)
{
	return e->worker_count;
}

struct codec_pool *engine_codecs(struct engine *e)
{
	return &e->codecs;
}

struct keep_queue *engine_keeps(struct engine *e)
{
	return e->keeps;
}

void engine_attach(struct engine *e)
{
	atomic_fetch_add(&e->sources, 1);
}

void engine_detach(struct engine *e)
{
	atomic_fetch_sub(&e->sources, 1);
}

uint64_t engine_delivered(const struct engine *e)
{
	return atomic_load_explicit(&e->delivered, memory_order_relaxed) +
	       fetcher_arriving(e->fetcher);
}

void engine_note_delivered(struct engine *e, uint64_t bytes)
{
	atomic_fetch_add_explicit(&e->delivered, bytes, memory_order_relaxed);
}

bool engine_may_complain(struct engine *e)
{
	int64_t last = atomic_load(&e->complained), now = clock_monotonic();

	return (last == 0 || now - last >= COMPLAIN_EVERY) &&
	       atomic_compare_exchange_strong(&e->complained, &last, now);
}
