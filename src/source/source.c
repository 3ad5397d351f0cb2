/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "cache/insert.h"
#include "source/delivery.h"
#include "source/download.h"
#include "source/in_flight.h"
#include "source/source.h"
#include "util/clock.h"

#define HINTS_MAX 256 /* under way at once; more are dropped */
#define HINT_DEADLINE (60 * NS_PER_SECOND)
#define RUN_DEADLINE (60 * NS_PER_SECOND)
/* source_run lets go of what has arrived when it is more: by then a step that still asks
 * for more is a long walk, and the cache has nearly all of it. */
#define RUN_BUFFERS_MAX 512

struct source {
	struct mirrors *mirrors; /* owned */
	struct in_flight_table table;
	pthread_mutex_t run_mtx; /* the next, and `ready` of who is in source_run() */
	pthread_cond_t run_cond; /* of any of them */
	bool runs_over;
};

int source_new(struct engine *e, const char *url, struct source **out, struct trouble *t)
{
	const struct in_flight_steps steps = {
		download_look, download_resume, delivery_late};
	struct source *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = mirrors_new(url, &s->mirrors, t);
	if (rc) {
		free(s);
		return rc;
	}
	in_flight_table_init(&s->table, e, s->mirrors, &steps);
	pthread_mutex_init(&s->run_mtx, NULL);
	pthread_cond_init(&s->run_cond, NULL);
	engine_attach(e);
	*out = s;
	return 0;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	in_flight_table_release(&s->table);
	engine_detach(s->table.engine);
	mirrors_free(s->mirrors);
	pthread_cond_destroy(&s->run_cond);
	pthread_mutex_destroy(&s->run_mtx);
	free(s);
}

void source_go_offline(struct source *s)
{
	s->table.offline = true;
}

struct mirrors *source_mirrors(struct source *s)
{
	return s->mirrors;
}

struct engine *source_engine(struct source *s)
{
	return s->table.engine;
}

int source_want(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority, int64_t deadline, struct waiter *waiter)
{
	struct in_flight_table *t = &s->table;
	struct waiter_line *line;
	int rc = waiter_line_new(waiter, count, deadline, &line);

	if (rc)
		return rc;
	pthread_mutex_lock(&t->table_mtx);
	assert(!t->stopping);
	for (unsigned i = 0; i < count && !rc; i++) {
		rc = in_flight_join(t, &wants[i], priority, deadline, &line->waits[i]);
		line->waiting += !rc;
	}
	if (rc) {
		in_flight_leave_all(line);
		free(line);
	} else {
		waiter->line = line;
	}
	pthread_mutex_unlock(&t->table_mtx);
	return rc;
}

unsigned source_look(struct source *s, const struct waiter *waiter, struct blob_wait *out,
	unsigned room, int64_t *deadline)
{
	struct in_flight_table *t = &s->table;
	const struct waiter_line *line;
	unsigned waiting = 0;

	pthread_mutex_lock(&t->table_mtx);
	line = waiter->line;
	for (unsigned i = 0; line && i < line->count; i++) {
		if (!line->waits[i].in_flight)
			continue;
		if (waiting < room)
			blob_wait_of(line->waits[i].in_flight, &out[waiting]);
		waiting++;
	}
	*deadline = line ? line->deadline : 0;
	pthread_mutex_unlock(&t->table_mtx);
	return waiting;
}

bool source_forget(struct source *s, struct waiter *waiter)
{
	struct in_flight_table *t = &s->table;
	struct waiter_line *line;

	pthread_mutex_lock(&t->table_mtx);
	while (waiter_calls_has(&t->calls, waiter))
		pthread_cond_wait(&t->table_cond, &t->table_mtx);
	line = waiter->line;
	if (line) {
		in_flight_leave_all(line);
		waiter->line = NULL;
		line->waiter = NULL;
		if (!line->due)
			free(line);
	}
	pthread_mutex_unlock(&t->table_mtx);
	return line != NULL;
}

void source_hint(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority)
{
	struct in_flight_table *t = &s->table;
	int64_t deadline = clock_monotonic() + HINT_DEADLINE;

	for (unsigned i = 0; i < count; i++) {
		if (cache_has(engine_cache(t->engine), &wants[i]))
			continue;
		pthread_mutex_lock(&t->table_mtx);
		if (t->hints < HINTS_MAX && !in_flight_exists(t, &wants[i]))
			(void)in_flight_join(t, &wants[i], priority, deadline, NULL);
		pthread_mutex_unlock(&t->table_mtx);
	}
}

/* A thread that waits for its waiter. */
struct run {
	struct waiter waiter;
	struct source *source;
	bool ready; /* run_mtx */
};

static void run_ready(struct waiter *waiter)
{
	struct run *r = (struct run *)((char *)waiter - offsetof(struct run, waiter));

	pthread_mutex_lock(&r->source->run_mtx);
	r->ready = true;
	pthread_cond_broadcast(&r->source->run_cond);
	pthread_mutex_unlock(&r->source->run_mtx);
}

void source_end_runs(struct source *s)
{
	pthread_mutex_lock(&s->run_mtx);
	s->runs_over = true;
	pthread_cond_broadcast(&s->run_cond);
	pthread_mutex_unlock(&s->run_mtx);
}

/* False: it was given up. */
static bool run_await(struct source *s, struct run *r)
{
	bool ready;

	pthread_mutex_lock(&s->run_mtx);
	while (!r->ready && !s->runs_over)
		pthread_cond_wait(&s->run_cond, &s->run_mtx);
	ready = r->ready;
	pthread_mutex_unlock(&s->run_mtx);
	return ready || !source_forget(s, &r->waiter);
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
	if (!run_await(s, r))
		return trouble_set(t, ERR_INTERRUPTED, "%s", error_text(ERR_INTERRUPTED));
	if (r->waiter.error)
		trouble_set(t, r->waiter.error, "%s", r->waiter.trouble.text);
	return r->waiter.error;
}

/* Of an error that the step has met in what is here. */
static const char *run_words(int rc)
{
	if (rc == ERR_CORRUPT)
		return "a page, recipe or list of extents is signed, and does not fit into "
		       "its dataset: the "
		       "publisher has to publish it anew";
	return error_text(rc);
}

static int run_try(struct source *s, struct run *r, attempt_fn step, void *arg,
	struct attempt *a, struct trouble *t)
{
	int rc;

	if (r->waiter.buffers.count > RUN_BUFFERS_MAX)
		waiter_release(&r->waiter);
	do {
		rc = attempt_begin(a, engine_cache(s->table.engine), &r->waiter.buffers);
		if (rc)
			return trouble_set(
				t, rc, "the cache cannot be read: %s", error_text(rc));
		rc = step(a, arg);
	} while (attempt_end(a));
	if (rc < 0 && rc != ERR_PENDING)
		trouble_set(
			t, rc, "%s: %s", mirrors_url(s->table.mirrors, 0), run_words(rc));
	return rc;
}

int source_run(struct source *s, attempt_fn step, void *arg, int64_t deadline_ns,
	enum fetch_priority priority, struct trouble *t)
{
	int64_t wait = deadline_ns ? deadline_ns : RUN_DEADLINE;
	struct run r = {.waiter.ready = run_ready, .source = s};
	struct attempt a;
	int rc;

	for (;;) {
		rc = run_try(s, &r, step, arg, &a, t);
		if (rc != ERR_PENDING)
			break;
		rc = run_wait(s, &r, &a, priority, clock_monotonic() + wait, t);
		if (rc)
			break;
	}
	waiter_release(&r.waiter);
	return rc;
}
