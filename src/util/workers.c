/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/workers.h"

#define THREAD_NAME_SIZE 16 /* Linux's limit, with the NUL */

struct queue {
	struct job *first, **end;
};

struct workers {
	char name[THREAD_NAME_SIZE];
	unsigned count;
	unsigned started; /* workers_mtx; numbers the threads */

	pthread_mutex_t workers_mtx; /* the fields below */
	pthread_cond_t workers_cond; /* a job was added, or stopping set */
	struct queue urgent, ordinary;
	bool stopping;

	pthread_t threads[];
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

/* The next job, or NULL when there is none and never will be. Called locked. */
static struct job *next_job(struct workers *w)
{
	struct job *job;

	for (;;) {
		job = queue_take(&w->urgent);
		if (!job)
			job = queue_take(&w->ordinary);
		if (job || w->stopping)
			return job;
		pthread_cond_wait(&w->workers_cond, &w->workers_mtx);
	}
}

static void name_thread(const struct workers *w, unsigned number)
{
#ifdef HAVE_PTHREAD_SETNAME_NP
	char name[THREAD_NAME_SIZE];

	snprintf(name, sizeof(name), "%.10s-%u", w->name, number % 1000);
	pthread_setname_np(pthread_self(), name);
#else
	(void)w;
	(void)number;
#endif
}

static void *worker(void *arg)
{
	struct workers *w = arg;
	struct job *job;

	pthread_mutex_lock(&w->workers_mtx);
	name_thread(w, w->started++);
	while ((job = next_job(w))) {
		pthread_mutex_unlock(&w->workers_mtx);
		job->run(job);
		pthread_mutex_lock(&w->workers_mtx);
	}
	pthread_mutex_unlock(&w->workers_mtx);
	return NULL;
}

/* Signals are for the thread that waits for them, never for a worker. */
static int start_threads(struct workers *w, unsigned count)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (w->count = 0; w->count < count; w->count++) {
		int errnum = pthread_create(&w->threads[w->count], NULL, worker, w);

		if (errnum) {
			rc = errnum == ENOMEM ? ERR_NO_MEMORY : ERR_IO;
			break;
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int workers_new(const char *name, unsigned count, struct workers **out)
{
	struct workers *w;
	int rc;

	assert(count > 0);
	w = calloc(1, sizeof(*w) + count * sizeof(w->threads[0]));
	if (!w)
		return ERR_NO_MEMORY;
	snprintf(w->name, sizeof(w->name), "%.10s", name);
	w->urgent.end = &w->urgent.first;
	w->ordinary.end = &w->ordinary.first;
	pthread_mutex_init(&w->workers_mtx, NULL);
	pthread_cond_init(&w->workers_cond, NULL);
	rc = start_threads(w, count);
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
	pthread_mutex_unlock(&w->workers_mtx);
	for (unsigned i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	assert(!w->urgent.first && !w->ordinary.first);
	pthread_cond_destroy(&w->workers_cond);
	pthread_mutex_destroy(&w->workers_mtx);
	free(w);
}

void workers_add(struct workers *w, struct job *job, int urgent)
{
	pthread_mutex_lock(&w->workers_mtx);
	queue_add(urgent ? &w->urgent : &w->ordinary, job);
	pthread_cond_signal(&w->workers_cond);
	pthread_mutex_unlock(&w->workers_mtx);
}

bool workers_are_behind(struct workers *w)
{
	bool behind;

	pthread_mutex_lock(&w->workers_mtx);
	behind = w->urgent.first || w->ordinary.first;
	pthread_mutex_unlock(&w->workers_mtx);
	return behind;
}
