/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/thread.h"
#include "util/timed_wait.h"
#include "util/workers.h"

#define THREAD_NAME_SIZE 16 /* Linux's limit, with the NUL */

struct queue {
	struct job *first, **end;
};

struct worker {
	struct workers *workers;
	unsigned number;
	pthread_t thread;
	int64_t since; /* workers_mtx: it has its job, CLOCK_MONOTONIC ns; 0: it has none */
};

struct workers {
	char name[THREAD_NAME_SIZE];
	unsigned started; /* the owner's */

	pthread_mutex_t workers_mtx; /* the fields below */
	unsigned ordinary_count;
	unsigned count;		     /* with the spare ones, which come last */
	pthread_cond_t workers_cond; /* a job was added, or stopping set */
	pthread_cond_t spare_cond;   /* a job waits for an ordinary thread, or the same */
	struct queue urgent, ordinary;
	unsigned idle;	   /* ordinary threads without a job */
	unsigned watching; /* spare threads that look again by themselves */
	bool stopping;

	struct worker threads[];
};

static void queue_add(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct job *queue_take(struct queue *q)
{
	struct job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

static struct job *take_job(struct workers *w)
{
	struct job *job = queue_take(&w->urgent);

	return job ? job : queue_take(&w->ordinary);
}

static bool is_queued(const struct workers *w)
{
	return w->urgent.first || w->ordinary.first;
}

/* All ordinary threads have a job and another waits: somebody should watch. */
static void call_spare(struct workers *w)
{
	if (is_queued(w) && w->idle == 0 && w->watching == 0)
		pthread_cond_signal(&w->spare_cond);
}

/* The next job, or NULL when there is none and never will be. Called locked. */
static struct job *next_job(struct workers *w)
{
	struct job *job;

	while (!(job = take_job(w)) && !w->stopping) {
		w->idle++;
		pthread_cond_wait(&w->workers_cond, &w->workers_mtx);
		w->idle--;
	}
	call_spare(w);
	return job;
}

/* Ordinary threads that are held up, less the spare ones that have a job in their place.
 * Called locked. */
static int count_held_up(const struct workers *w)
{
	int64_t begun = clock_monotonic() - SPARE_AFTER_MS * NS_PER_MS;
	int held_up = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (i >= w->ordinary_count)
			held_up -= w->threads[i].since != 0;
		else
			held_up += w->threads[i].since && w->threads[i].since <= begun;
	return held_up;
}

/* The same for a spare thread. */
static struct job *next_spare_job(struct workers *w)
{
	while (is_queued(w) || !w->stopping) {
		if (!is_queued(w)) {
			pthread_cond_wait(&w->spare_cond, &w->workers_mtx);
			continue;
		}
		if (count_held_up(w) > 0)
			return take_job(w);
		w->watching++;
		timed_wait(&w->spare_cond, &w->workers_mtx, SPARE_AFTER_MS);
		w->watching--;
	}
	return NULL;
}

static void name_thread(const struct worker *self)
{
#ifdef HAVE_PTHREAD_SETNAME_NP
	char name[THREAD_NAME_SIZE];

	snprintf(name, sizeof name, "%.10s-%u", self->workers->name, self->number % 1000);
	pthread_setname_np(pthread_self(), name);
#else
	(void)self;
#endif
}

static void *worker_main(void *arg)
{
	struct worker *self = arg;
	struct workers *w = self->workers;
	struct job *job;
	bool spare;

	name_thread(self);
	pthread_mutex_lock(&w->workers_mtx);
	spare = self->number >= w->ordinary_count;
	while ((job = spare ? next_spare_job(w) : next_job(w))) {
		self->since = clock_monotonic();
		pthread_mutex_unlock(&w->workers_mtx);
		job->run(job);
		pthread_mutex_lock(&w->workers_mtx);
		self->since = 0;
	}
	pthread_mutex_unlock(&w->workers_mtx);
	return NULL;
}

/* One is enough to go on with. */
static int start_threads(struct workers *w)
{
	int rc = 0;

	while (!rc && w->started < w->count) {
		struct worker *self = &w->threads[w->started];

		rc = thread_start(&self->thread, NULL, worker_main, self);
		if (!rc)
			w->started++;
	}
	if (w->started == 0)
		return rc;
	pthread_mutex_lock(&w->workers_mtx);
	w->count = w->started;
	if (w->ordinary_count > w->count)
		w->ordinary_count = w->count;
	pthread_mutex_unlock(&w->workers_mtx);
	return 0;
}

int workers_new(const char *name, unsigned count, struct workers **out)
{
	return workers_new_spared(name, count, 0, out);
}

int workers_new_spared(
	const char *name, unsigned count, unsigned spares, struct workers **out)
{
	struct workers *w;
	int rc;

	assert(count > 0);
	w = calloc(1, sizeof *w + (count + spares) * sizeof w->threads[0]);
	if (!w)
		return ERR_NO_MEMORY;
	snprintf(w->name, sizeof w->name, "%.10s", name);
	w->urgent.end = &w->urgent.first;
	w->ordinary.end = &w->ordinary.first;
	pthread_mutex_init(&w->workers_mtx, NULL);
	pthread_cond_init(&w->workers_cond, NULL);
	timed_wait_init(&w->spare_cond);
	w->ordinary_count = count;
	w->count = count + spares;
	for (unsigned i = 0; i < w->count; i++)
		w->threads[i] = (struct worker){.workers = w, .number = i};
	rc = start_threads(w);
	if (rc) {
		workers_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->workers_mtx);
	w->stopping = true;
	pthread_cond_broadcast(&w->workers_cond);
	pthread_cond_broadcast(&w->spare_cond);
	pthread_mutex_unlock(&w->workers_mtx);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->threads[i].thread, NULL);
	assert(!w->urgent.first && !w->ordinary.first);
	pthread_cond_destroy(&w->workers_cond);
	pthread_cond_destroy(&w->spare_cond);
	pthread_mutex_destroy(&w->workers_mtx);
	free(w);
}

void workers_add(struct workers *w, struct job *job, int urgent)
{
	pthread_mutex_lock(&w->workers_mtx);
	queue_add(urgent ? &w->urgent : &w->ordinary, job);
	pthread_cond_signal(&w->workers_cond);
	call_spare(w);
	pthread_mutex_unlock(&w->workers_mtx);
}

bool workers_are_behind(struct workers *w)
{
	bool behind;

	pthread_mutex_lock(&w->workers_mtx);
	behind = is_queued(w);
	pthread_mutex_unlock(&w->workers_mtx);
	return behind;
}
