/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/fetch_loop.h"
#include "net/fetcher.h"
#include "util/clock.h"
#include "util/thread.h"

#define MEMORY_DEFAULT (64u << 20)
#define CONNECTIONS_DEFAULT 16
#define CONNECTIONS_MAX 256
#define CONNECT_TIMEOUT_DEFAULT (10 * NS_PER_SECOND)
#define STALL_TIMEOUT_DEFAULT (15 * NS_PER_SECOND)

struct get_wait;
struct fetcher {
	struct fetch_loop loop;
	pthread_t thread;	  /* runs it */
	pthread_mutex_t gets_mtx; /* the two below; before fetch_mtx */
	struct get_wait *gets;	  /* who is in fetcher_get() */
	bool gets_over;
};

static void global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int init_loop(struct fetch_loop *loop, const struct fetcher_options *o)
{
	unsigned connections = o->connections ? o->connections : CONNECTIONS_DEFAULT;
	struct fetch_try_settings settings = {
		.credentials = o->credentials,
		.connect_timeout = CONNECT_TIMEOUT_DEFAULT,
		.stall_timeout = STALL_TIMEOUT_DEFAULT,
	};

	if (o->connect_timeout > 0)
		settings.connect_timeout = o->connect_timeout;
	if (o->stall_timeout > 0)
		settings.stall_timeout = o->stall_timeout;
	if (connections > CONNECTIONS_MAX)
		connections = CONNECTIONS_MAX;
	return fetch_loop_init(loop, o->log, o->memory ? o->memory : MEMORY_DEFAULT,
		&settings, connections);
}

static void *fetcher_main(void *arg)
{
	struct fetcher *f = arg;

	fetch_loop_run(&f->loop);
	return NULL;
}

int fetcher_new(
	const struct fetcher_options *options, struct fetcher **out, struct trouble *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct fetcher *f;
	int rc;

	pthread_once(&once, global_init);
	f = calloc(1, sizeof *f);
	if (!f)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	pthread_mutex_init(&f->gets_mtx, NULL);
	rc = init_loop(&f->loop, options);
	if (rc) {
		trouble_set(t, rc, "libcurl could not be set up: %s", error_text(rc));
		goto out;
	}
	rc = thread_start(&f->thread, "fetcher", fetcher_main, f);
	if (rc) {
		trouble_set(t, rc, "the fetcher's thread could not be started: %s",
			error_text(rc));
		goto out;
	}
	*out = f;
	return 0;
out:
	fetch_loop_release(&f->loop);
	pthread_mutex_destroy(&f->gets_mtx);
	free(f);
	return rc;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->loop.fetch_mtx);
	f->loop.stopping = true;
	fetch_loop_wake(&f->loop);
	pthread_mutex_unlock(&f->loop.fetch_mtx);
	pthread_join(f->thread, NULL);
	fetch_loop_release(&f->loop);
	pthread_mutex_destroy(&f->gets_mtx);
	free(f);
}

static void submit_with(struct fetcher *f, struct fetch *fetch, void *waiter)
{
	fetch->state = (struct fetch_state){.waiter = waiter, .asked = -1};
	fetch->error = 0;
	fetch->trouble.code = 0;
	fetch->trouble.text[0] = '\0';
	fetch->not_modified = fetch->pieced = false;
	fetch->mirror = -1;
	fetch->path[FETCH_PATH_MAX - 1] = '\0';
	fetch->etag[FETCH_ETAG_MAX - 1] = '\0';
	bytes_init(&fetch->body);
	pthread_mutex_lock(&f->loop.fetch_mtx);
	schedule_add(&f->loop.schedule, fetch);
	fetch_loop_wake(&f->loop);
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_submit(struct fetcher *f, struct fetch *fetch)
{
	assert(fetch->priority < FETCH_PRIORITIES && fetch->done && fetch->mirrors);
	submit_with(f, fetch, NULL);
}

void fetcher_raise(struct fetcher *f, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline)
{
	pthread_mutex_lock(&f->loop.fetch_mtx);
	schedule_raise(&f->loop.schedule, fetch, priority, deadline, clock_monotonic());
	fetch_loop_wake(&f->loop);
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_abandon(struct fetcher *f, struct fetch *fetch)
{
	pthread_mutex_lock(&f->loop.fetch_mtx);
	schedule_abandon(fetch, clock_monotonic());
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_cancel(struct fetcher *f, struct fetch *fetch)
{
	pthread_mutex_lock(&f->loop.fetch_mtx);
	schedule_cancel(&f->loop.schedule, fetch);
	fetch_loop_wake(&f->loop);
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_release(struct fetcher *f, struct fetch *fetch)
{
	pthread_mutex_lock(&f->loop.fetch_mtx);
	if (fetch->state.held > 0) {
		budget_release(&f->loop.schedule.budget, fetch);
		fetch_loop_wake(&f->loop);
	}
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_lower(struct fetcher *f, struct fetch *fetch)
{
	pthread_mutex_lock(&f->loop.fetch_mtx);
	if (fetch->state.held_by_demand) {
		budget_lower(&f->loop.schedule.budget, fetch);
		fetch_loop_wake(&f->loop);
	}
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

uint64_t fetcher_arriving(const struct fetcher *f)
{
	return atomic_load_explicit(&f->loop.arriving, memory_order_relaxed);
}

void fetcher_count(struct fetcher *f, struct fetcher_counters *out)
{
	const struct schedule_counters *counters = &f->loop.schedule.counters;

	pthread_mutex_lock(&f->loop.fetch_mtx);
	*out = (struct fetcher_counters){
		.requests = counters->requests,
		.retries = counters->retries,
		.failures = counters->failures,
		.bytes = counters->bytes,
		.doubled = counters->doubled,
		.queued = schedule_queued(&f->loop.schedule),
		.active = f->loop.active,
	};
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

void fetcher_look(struct fetcher *f, const struct fetch *fetch, struct fetch_look *out)
{
	const struct fetch_state *state = &fetch->state;

	*out = (struct fetch_look){.step = FETCH_QUEUED};
	pthread_mutex_lock(&f->loop.fetch_mtx);
	if (!state->list)
		out->step = FETCH_UNDER_WAY;
	else if (state->list == &f->loop.schedule.waiting)
		out->step = FETCH_WAITING;
	out->tries = state->tries;
	out->not_before = state->not_before;
	out->deadline = fetch->deadline;
	if (state->asked >= 0)
		out->mirror = mirrors_url(fetch->mirrors, (unsigned)state->asked);
	if (state->rank)
		out->trouble = fetch->trouble;
	pthread_mutex_unlock(&f->loop.fetch_mtx);
}

struct get_wait {
	struct fetcher *fetcher;
	struct fetch *fetch;
	struct get_wait *next, **link; /* gets_mtx */
	pthread_mutex_t wait_mtx;
	pthread_cond_t wait_cond;
	bool done; /* guarded by wait_mtx */
};

static void wake_getter(struct fetch *fetch)
{
	struct get_wait *w = fetch->state.waiter;

	fetcher_release(w->fetcher, fetch);
	pthread_mutex_lock(&w->wait_mtx);
	w->done = true;
	pthread_cond_signal(&w->wait_cond);
	pthread_mutex_unlock(&w->wait_mtx);
}

/* False: no more of them begin. */
static bool get_begin(struct fetcher *f, struct get_wait *w)
{
	bool begun;

	pthread_mutex_lock(&f->gets_mtx);
	begun = !f->gets_over;
	if (begun) {
		w->next = f->gets;
		w->link = &f->gets;
		if (w->next)
			w->next->link = &w->next;
		f->gets = w;
		submit_with(f, w->fetch, w);
	}
	pthread_mutex_unlock(&f->gets_mtx);
	return begun;
}

static void get_finish(struct fetcher *f, struct get_wait *w)
{
	pthread_mutex_lock(&w->wait_mtx);
	while (!w->done)
		pthread_cond_wait(&w->wait_cond, &w->wait_mtx);
	pthread_mutex_unlock(&w->wait_mtx);
	pthread_mutex_lock(&f->gets_mtx);
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	pthread_mutex_unlock(&f->gets_mtx);
}

int fetcher_get(struct fetcher *f, struct fetch *fetch)
{
	struct get_wait w = {.fetcher = f, .fetch = fetch};

	pthread_mutex_init(&w.wait_mtx, NULL);
	pthread_cond_init(&w.wait_cond, NULL);
	fetch->done = wake_getter;
	if (get_begin(f, &w))
		get_finish(f, &w);
	else
		fetch->error = trouble_set(&fetch->trouble, ERR_INTERRUPTED, "%s",
			error_text(ERR_INTERRUPTED));
	pthread_cond_destroy(&w.wait_cond);
	pthread_mutex_destroy(&w.wait_mtx);
	return fetch->error;
}

void fetcher_end_gets(struct fetcher *f)
{
	pthread_mutex_lock(&f->gets_mtx);
	f->gets_over = true;
	for (struct get_wait *w = f->gets; w; w = w->next)
		fetcher_cancel(f, w->fetch);
	pthread_mutex_unlock(&f->gets_mtx);
}
