/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/errands.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/filesystem.h"
#include "fs/request_end.h"
#include "fs/request_run.h"
#include "util/clock.h"
#include "util/thread.h"

/* Who takes it answers: the thread, or an interrupt. */
struct errand {
	struct errands *queue;
	struct request request;
	char name[REQUEST_NAME_MAX + 1];
	pid_t thread; /* that asks */
	uid_t uid;
	int64_t since, deadline; /* CLOCK_MONOTONIC ns */
	struct errand *next;
	bool queued, taken, interrupted; /* with the queue's lock */
};

struct errands {
	const struct errands_kind *kind;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t errands_mtx; /* all below */
	pthread_cond_t errands_cond; /* there is one, or it is over */
	struct errand *first, **end;
	struct errand *current; /* that is run */
	bool over;
};

/* libfuse holds its lock of the request. Before it is queued, its own thread answers. */
static void errand_interrupt(fuse_req_t fuse, void *data)
{
	struct errand *e = data;
	struct errands *q = e->queue;
	bool take;

	pthread_mutex_lock(&q->errands_mtx);
	take = e->queued && !e->taken;
	e->taken |= take;
	if (take) /* the errand may be gone without the lock */
		request_end(&e->request, ERR_INTERRUPTED, NULL);
	e->interrupted = true;
	pthread_mutex_unlock(&q->errands_mtx);
	if (take)
		fuse_reply_err(fuse, EINTR);
}

static bool errand_queue(struct errands *q, struct errand *e)
{
	bool queued;

	pthread_mutex_lock(&q->errands_mtx);
	queued = !e->interrupted;
	if (queued) {
		e->queued = true;
		*q->end = e;
		q->end = &e->next;
		pthread_cond_signal(&q->errands_cond);
	}
	pthread_mutex_unlock(&q->errands_mtx);
	return queued;
}

void errands_add(struct errands *q, const struct request *r)
{
	struct errand *e = calloc(1, sizeof *e);

	if (!e) {
		request_end(r, ERR_NO_MEMORY, NULL);
		fuse_reply_err(r->fuse, ENOMEM);
		return;
	}
	e->queue = q;
	e->request = *r;
	e->request.waited = true;
	if (r->name) {
		snprintf(e->name, sizeof e->name, "%s", r->name);
		e->request.name = e->name;
	}
	e->thread = fuse_req_ctx(r->fuse)->pid;
	e->uid = fuse_req_ctx(r->fuse)->uid;
	e->since = clock_monotonic();
	e->deadline = e->since + r->fs->deadline_ns;
	fuse_req_interrupt_func(r->fuse, errand_interrupt, e);
	if (errand_queue(q, e))
		return;
	fuse_req_interrupt_func(r->fuse, NULL, NULL);
	request_end(r, ERR_INTERRUPTED, NULL);
	fuse_reply_err(r->fuse, EINTR);
	free(e);
}

/* NULL: it is over, and nothing is left. */
static struct errand *errand_next(struct errands *q)
{
	struct errand *e;

	pthread_mutex_lock(&q->errands_mtx);
	while (!q->first && !q->over)
		pthread_cond_wait(&q->errands_cond, &q->errands_mtx);
	e = q->first;
	q->current = e;
	if (e)
		q->first = e->next;
	if (!q->first)
		q->end = &q->first;
	pthread_mutex_unlock(&q->errands_mtx);
	return e;
}

static bool errand_is_wanted(struct errand *e, bool take, bool *over)
{
	bool wanted;

	pthread_mutex_lock(&e->queue->errands_mtx);
	wanted = !e->taken;
	e->taken |= take;
	*over = e->queue->over;
	pthread_mutex_unlock(&e->queue->errands_mtx);
	return wanted;
}

static void errand_run(struct errand *e)
{
	int64_t left = e->deadline - clock_monotonic();
	const struct errands_kind *kind = e->queue->kind;
	struct trouble t = {0};
	int error = ERR_INTERRUPTED;
	bool over, wanted = errand_is_wanted(e, false, &over);

	if (wanted && !over)
		error = left > 0 ? kind->go(&e->request, left, &t) : ERR_TIMEOUT;
	if (!errand_is_wanted(e, true, &over))
		return;
	fuse_req_interrupt_func(e->request.fuse, NULL, NULL);
	kind->answer(&e->request, error, &t);
}

static void errand_end(struct errands *q, struct errand *e)
{
	pthread_mutex_lock(&q->errands_mtx);
	q->current = NULL;
	pthread_mutex_unlock(&q->errands_mtx);
	free(e);
}

static void *errands_main(void *arg)
{
	struct errands *q = arg;
	struct errand *e;

	if (q->kind->begin)
		q->kind->begin(q->ctx);
	while ((e = errand_next(q))) {
		errand_run(e);
		errand_end(q, e);
	}
	return NULL;
}

int errands_start(const struct errands_kind *kind, void *ctx, struct errands **out)
{
	struct errands *q = calloc(1, sizeof *q);
	int rc;

	if (!q)
		return ERR_NO_MEMORY;
	q->kind = kind;
	q->ctx = ctx;
	q->end = &q->first;
	pthread_mutex_init(&q->errands_mtx, NULL);
	pthread_cond_init(&q->errands_cond, NULL);
	rc = thread_start(&q->thread, "cairn-errands", errands_main, q);
	if (rc) {
		pthread_cond_destroy(&q->errands_cond);
		pthread_mutex_destroy(&q->errands_mtx);
		free(q);
		return rc;
	}
	*out = q;
	return 0;
}

void errands_stop(struct errands *q)
{
	pthread_mutex_lock(&q->errands_mtx);
	q->over = true;
	pthread_cond_signal(&q->errands_cond);
	pthread_mutex_unlock(&q->errands_mtx);
	q->kind->end(q->ctx);
	pthread_join(q->thread, NULL);
}

void errands_free(struct errands *q)
{
	pthread_cond_destroy(&q->errands_cond);
	pthread_mutex_destroy(&q->errands_mtx);
	free(q);
}

static void errand_tell(const struct errand *e, errand_look_fn each, void *ctx)
{
	const struct errand_look look = {.request = &e->request,
		.thread = e->thread,
		.uid = e->uid,
		.since = e->since,
		.deadline = e->deadline};

	if (!e->taken)
		each(ctx, &look);
}

void errands_look(struct errands *q, errand_look_fn each, void *ctx)
{
	pthread_mutex_lock(&q->errands_mtx);
	if (q->current)
		errand_tell(q->current, each, ctx);
	for (const struct errand *e = q->first; e; e = e->next)
		errand_tell(e, each, ctx);
	pthread_mutex_unlock(&q->errands_mtx);
}
