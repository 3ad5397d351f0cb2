/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "cache/insert.h"
#include "source/in_flight.h"
#include "util/clock.h"

#define HINTS_MAX 256 /* under way at once; more are dropped */
#define HINT_DEADLINE (60 * NS_PER_SECOND)
#define RUN_DEADLINE (60 * NS_PER_SECOND)
/* source_run lets go of what has arrived when it is more: by then a step that still asks
 * for more is a long walk, and the cache has nearly all of it. */
#define RUN_BUFFERS_MAX 512

int source_new(struct engine *e, const char *url, struct source **out, struct trouble *t)
{
	struct source *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = mirrors_new(url, &s->mirrors, t);
	if (rc) {
		free(s);
		return rc;
	}
	s->engine = e;
	pthread_mutex_init(&s->source_mtx, NULL);
	pthread_cond_init(&s->source_cond, NULL);
	atomic_fetch_add(&e->sources, 1);
	*out = s;
	return 0;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->source_mtx);
	s->stopping = true;
	in_flight_cancel_all(s);
	while (s->in_flight_count || s->running)
		pthread_cond_wait(&s->source_cond, &s->source_mtx);
	pthread_mutex_unlock(&s->source_mtx);
	atomic_fetch_sub(&s->engine->sources, 1);
	pthread_cond_destroy(&s->source_cond);
	pthread_mutex_destroy(&s->source_mtx);
	mirrors_free(s->mirrors);
	free(s);
}

void source_go_offline(struct source *s)
{
	s->offline = true;
}

struct mirrors *source_mirrors(struct source *s)
{
	return s->mirrors;
}

struct engine *source_engine(struct source *s)
{
	return s->engine;
}

int source_want(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority, int64_t deadline, struct waiter *waiter)
{
	struct waiter_line *line;
	int rc = waiter_line_new(waiter, count, deadline, &line);

	if (rc)
		return rc;
	pthread_mutex_lock(&s->source_mtx);
	assert(!s->stopping);
	for (unsigned i = 0; i < count && !rc; i++) {
		rc = in_flight_join(s, &wants[i], priority, deadline, &line->waits[i]);
		line->waiting += !rc;
	}
	if (rc) {
		waiter_line_leave(line);
		waiter->line = NULL;
		free(line);
	}
	pthread_mutex_unlock(&s->source_mtx);
	return rc;
}

void source_hint(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority)
{
	int64_t deadline = clock_monotonic() + HINT_DEADLINE;

	for (unsigned i = 0; i < count; i++) {
		if (cache_has(s->engine->cache, &wants[i]))
			continue;
		pthread_mutex_lock(&s->source_mtx);
		if (s->hints < HINTS_MAX && !in_flight_exists(s, &wants[i]))
			(void)in_flight_join(s, &wants[i], priority, deadline, NULL);
		pthread_mutex_unlock(&s->source_mtx);
	}
}

/* A thread that waits for its waiter. */
struct run {
	struct waiter waiter;
	pthread_mutex_t run_mtx; /* ready */
	pthread_cond_t run_cond;
	bool ready;
};

static void run_ready(struct waiter *waiter)
{
	struct run *r = (struct run *)((char *)waiter - offsetof(struct run, waiter));

	pthread_mutex_lock(&r->run_mtx);
	r->ready = true;
	pthread_cond_signal(&r->run_cond);
	pthread_mutex_unlock(&r->run_mtx);
}

static int run_wait(struct source *s, struct run *r, const struct attempt *a,
	enum fetch_priority priority, int64_t deadline, struct trouble *t)
{
	int rc;

	assert(a->want_count > 0);
	r->ready = false;
	rc = source_want(s, a->wants, a->want_count, priority, deadline, &r->waiter);
	if (rc)
		return trouble_set(t, rc, "%s", error_text(rc));
	pthread_mutex_lock(&r->run_mtx);
	while (!r->ready)
		pthread_cond_wait(&r->run_cond, &r->run_mtx);
	pthread_mutex_unlock(&r->run_mtx);
	if (r->waiter.error)
		trouble_set(t, r->waiter.error, "%s", r->waiter.trouble.text);
	return r->waiter.error;
}

static int run_try(struct source *s, struct run *r, attempt_fn step, void *arg,
	struct attempt *a, struct trouble *t)
{
	int rc;

	if (r->waiter.buffers.count > RUN_BUFFERS_MAX)
		waiter_release(&r->waiter);
	rc = attempt_begin(a, s->engine->cache, &r->waiter.buffers);
	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	rc = step(a, arg);
	attempt_end(a);
	return rc;
}

int source_run(struct source *s, attempt_fn step, void *arg, int64_t deadline_ns,
	enum fetch_priority priority, struct trouble *t)
{
	int64_t wait = deadline_ns ? deadline_ns : RUN_DEADLINE;
	struct run r = {.waiter.ready = run_ready};
	struct attempt a;
	int rc;

	pthread_mutex_init(&r.run_mtx, NULL);
	pthread_cond_init(&r.run_cond, NULL);
	for (;;) {
		rc = run_try(s, &r, step, arg, &a, t);
		if (rc != ERR_PENDING)
			break;
		rc = run_wait(s, &r, &a, priority, clock_monotonic() + wait, t);
		if (rc)
			break;
	}
	waiter_release(&r.waiter);
	pthread_cond_destroy(&r.run_cond);
	pthread_mutex_destroy(&r.run_mtx);
	return rc;
}
