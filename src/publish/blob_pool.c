/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "publish/blob_pool.h"
#include "util/thread.h"

#define WAITING 512 /* blobs that have no thread yet */

struct blob_pool {
	blob_pool_fn run;
	void *ctx;
	pthread_t *threads;
	unsigned count; /* threads that were started */

	pthread_mutex_t blob_pool_mtx; /* all below */
	pthread_cond_t blob_pool_cond; /* any of it changed */
	struct reached waiting[WAITING];
	size_t first, waits; /* a ring */
	unsigned running;
	bool ended;
	int failure;
	struct trouble trouble;
};

int blob_scratch_init(struct blob_scratch *x)
{
	*x = (struct blob_scratch){.codec = blob_codec_new()};
	return x->codec ? 0 : ERR_NO_MEMORY;
}

void blob_scratch_release(struct blob_scratch *x)
{
	blob_codec_free(x->codec);
	bytes_release(&x->content);
	bytes_release(&x->stored);
	bytes_release(&x->other);
}

/* The next one, waited for; false: there will be none. With the lock held. */
static bool blob_pool_take(struct blob_pool *p, struct reached *out)
{
	while (!p->waits && !p->ended && !p->failure)
		pthread_cond_wait(&p->blob_pool_cond, &p->blob_pool_mtx);
	if (p->ended || p->failure)
		return false;
	*out = p->waiting[p->first];
	p->first = (p->first + 1) % WAITING;
	p->waits--;
	p->running++;
	pthread_cond_broadcast(&p->blob_pool_cond);
	return true;
}

static void blob_pool_fail(struct blob_pool *p, int rc, const struct trouble *t)
{
	if (!rc || p->failure)
		return;
	p->failure = rc;
	p->trouble = *t;
	p->trouble.code = rc;
}

static void blob_pool_work(struct blob_pool *p, struct blob_scratch *x)
{
	struct reached blob;

	pthread_mutex_lock(&p->blob_pool_mtx);
	while (blob_pool_take(p, &blob)) {
		struct trouble t = {0};
		int rc;

		pthread_mutex_unlock(&p->blob_pool_mtx);
		rc = p->run(p->ctx, x, &blob, &t);
		pthread_mutex_lock(&p->blob_pool_mtx);
		blob_pool_fail(p, rc, &t);
		p->running--;
		pthread_cond_broadcast(&p->blob_pool_cond);
	}
	pthread_mutex_unlock(&p->blob_pool_mtx);
}

static void *blob_pool_thread(void *arg)
{
	struct blob_pool *p = arg;
	struct blob_scratch x;
	const struct trouble none = {.code = ERR_NO_MEMORY};

	if (blob_scratch_init(&x) == 0) {
		blob_pool_work(p, &x);
	} else {
		pthread_mutex_lock(&p->blob_pool_mtx);
		blob_pool_fail(p, ERR_NO_MEMORY, &none);
		pthread_cond_broadcast(&p->blob_pool_cond);
		pthread_mutex_unlock(&p->blob_pool_mtx);
	}
	blob_scratch_release(&x);
	return NULL;
}

int blob_pool_new(const char *name, unsigned threads, blob_pool_fn run, void *ctx,
	struct blob_pool **out)
{
	struct blob_pool *p = calloc(1, sizeof *p);
	int rc = 0;

	if (!p)
		return ERR_NO_MEMORY;
	p->run = run;
	p->ctx = ctx;
	pthread_mutex_init(&p->blob_pool_mtx, NULL);
	pthread_cond_init(&p->blob_pool_cond, NULL);
	p->threads = calloc(threads, sizeof *p->threads);
	if (!p->threads)
		rc = ERR_NO_MEMORY;
	while (!rc && p->count < threads) {
		rc = thread_start(&p->threads[p->count], name, blob_pool_thread, p);
		p->count += !rc;
	}
	if (p->count > 0) /* as many as the system has */
		rc = 0;
	if (rc)
		blob_pool_free(p);
	else
		*out = p;
	return rc;
}

/* With the lock held. */
static int blob_pool_outcome(const struct blob_pool *p, struct trouble *t)
{
	if (p->failure && t)
		*t = p->trouble;
	return p->failure;
}

int blob_pool_add(struct blob_pool *p, const struct reached *blob, struct trouble *t)
{
	int rc;

	pthread_mutex_lock(&p->blob_pool_mtx);
	while (p->waits == WAITING && !p->failure)
		pthread_cond_wait(&p->blob_pool_cond, &p->blob_pool_mtx);
	rc = blob_pool_outcome(p, t);
	if (!rc) {
		p->waiting[(p->first + p->waits++) % WAITING] = *blob;
		pthread_cond_broadcast(&p->blob_pool_cond);
	}
	pthread_mutex_unlock(&p->blob_pool_mtx);
	return rc;
}

int blob_pool_wait(struct blob_pool *p, struct trouble *t)
{
	int rc;

	pthread_mutex_lock(&p->blob_pool_mtx);
	while ((p->waits && !p->failure) || p->running)
		pthread_cond_wait(&p->blob_pool_cond, &p->blob_pool_mtx);
	rc = blob_pool_outcome(p, t);
	pthread_mutex_unlock(&p->blob_pool_mtx);
	return rc;
}

void blob_pool_free(struct blob_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->blob_pool_mtx);
	p->ended = true;
	pthread_cond_broadcast(&p->blob_pool_cond);
	pthread_mutex_unlock(&p->blob_pool_mtx);
	for (unsigned i = 0; i < p->count; i++)
		pthread_join(p->threads[i], NULL);
	free(p->threads);
	pthread_cond_destroy(&p->blob_pool_cond);
	pthread_mutex_destroy(&p->blob_pool_mtx);
	free(p);
}
