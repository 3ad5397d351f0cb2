/* SPDX-License-Identifier: MIT */
#include "fs/request.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/filesystem.h"
#include "fs/request_try.h"
#include "util/clock.h"

/*
 * A parked request is TRYING while a thread (the runner) works on it, WANTING while the
 * runner is inside source_want, PARKED when nobody has it, ANSWERED at the end. Who moves
 * it to ANSWERED answers. An interrupt or an arrival that comes while there is a runner
 * leaves a flag for him.
 */
enum state { TRYING, WANTING, PARKED, ANSWERED };

/* References: one of who will answer, one of each source_want whose ready() is due. */
struct parked {
	struct request request;
	struct waiter waiter;
	int64_t deadline; /* CLOCK_MONOTONIC ns */
	char name[NAME_MAX_HERE + 1];
	atomic_uint references;
	pthread_mutex_t lock; /* the three below */
	enum state state;
	bool interrupted;
	bool arrived;
	struct parked *next, *previous; /* the list's lock */
};

static void parked_run(struct parked *p, struct request_try *t, int error);

void requests_init(struct requests *q)
{
	*q = (struct requests){0};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->gone, NULL);
}

void requests_release(struct requests *q)
{
	assert(q->count == 0);
	pthread_cond_destroy(&q->gone);
	pthread_mutex_destroy(&q->lock);
}

static struct parked *parked_new(const struct request *r)
{
	struct requests *q = &r->fs->requests;
	struct parked *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->request = *r;
	if (r->name) {
		snprintf(p->name, sizeof p->name, "%s", r->name);
		p->request.name = p->name;
	}
	p->deadline = clock_monotonic() + r->fs->deadline_ns;
	p->state = TRYING;
	atomic_init(&p->references, 1);
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_lock(&q->lock);
	p->next = q->first;
	if (p->next)
		p->next->previous = p;
	q->first = p;
	q->count++;
	pthread_mutex_unlock(&q->lock);
	return p;
}

static void unlink_parked(struct requests *q, struct parked *p)
{
	pthread_mutex_lock(&q->lock);
	if (p->previous)
		p->previous->next = p->next;
	else
		q->first = p->next;
	if (p->next)
		p->next->previous = p->previous;
	q->count--;
	pthread_cond_signal(&q->gone);
	pthread_mutex_unlock(&q->lock);
}

static void parked_put(struct parked *p)
{
	if (atomic_fetch_sub(&p->references, 1) != 1)
		return;
	waiter_release(&p->waiter);
	unlink_parked(&p->request.fs->requests, p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Takes a request that nobody has, or leaves word for its runner. */
static bool claim_parked(struct parked *p)
{
	bool won;

	pthread_mutex_lock(&p->lock);
	won = p->state == PARKED;
	if (won)
		p->state = ANSWERED;
	else
		p->interrupted = true;
	pthread_mutex_unlock(&p->lock);
	return won;
}

/* libfuse calls this with its lock of the request held: from another thread, or at once
 * from within fuse_req_interrupt_func. Then we are TRYING: answering would free the
 * request under libfuse's feet, so the runner does it. */
static void on_interrupt(fuse_req_t fuse, void *data)
{
	struct parked *p = data;

	if (!claim_parked(p))
		return;
	fuse_reply_err(fuse, EINTR);
	if (source_forget(p->request.fs->source, &p->waiter))
		parked_put(p); /* for the ready() that will not come */
	parked_put(p);
}

/* The runner's answer. When fuse_req_interrupt_func returns, no handler is running. */
static void parked_answer(struct parked *p, struct request_try *t, int error)
{
	pthread_mutex_lock(&p->lock);
	p->state = ANSWERED;
	pthread_mutex_unlock(&p->lock);
	fuse_req_interrupt_func(p->request.fuse, NULL, NULL);
	request_try_answer(&p->request, t, error, &p->waiter.trouble);
	parked_put(p);
}

static bool set_wanting(struct parked *p)
{
	bool go;

	pthread_mutex_lock(&p->lock);
	go = !p->interrupted;
	if (go) {
		p->state = WANTING;
		p->arrived = false;
	}
	pthread_mutex_unlock(&p->lock);
	return go;
}

/* After source_want: true when p has been left to whoever comes next; it may be gone. */
static bool set_parked(struct parked *p, int *error)
{
	bool left = false;

	pthread_mutex_lock(&p->lock);
	p->state = TRYING;
	if (p->interrupted) {
		*error = ERR_INTERRUPTED;
	} else if (!p->arrived) {
		p->state = PARKED;
		left = true;
	}
	pthread_mutex_unlock(&p->lock);
	return left;
}

/* True: parked. False: *error tells why not (0: what was wanted is there already). */
static bool park(struct parked *p, struct request_try *t, int *error)
{
	struct filesystem *fs = p->request.fs;

	*error = 0;
	if (!set_wanting(p)) {
		*error = ERR_INTERRUPTED;
		return false;
	}
	request_try_release(t, fs);
	p->waiter.trouble.text[0] = '\0';
	atomic_fetch_add(&p->references, 1);
	*error = source_want(fs->source, t->attempt.wants, t->attempt.want_count,
		FETCH_DEMAND, p->deadline, &p->waiter);
	if (*error) {
		atomic_fetch_sub(&p->references, 1);
		pthread_mutex_lock(&p->lock);
		p->state = TRYING;
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	request_try_send_hints(&p->request, t);
	return set_parked(p, error);
}

/* A flight is shared: it may have ended at the deadline of somebody who came before. */
static int after_wait(struct parked *p)
{
	if (p->waiter.error == ERR_TIMEOUT && clock_monotonic() < p->deadline)
		return 0;
	return p->waiter.error;
}

/* Goes on from a try that gave `error`, until the request is answered or parked. */
static void parked_run(struct parked *p, struct request_try *t, int error)
{
	while (error == ERR_PENDING) {
		if (clock_monotonic() >= p->deadline) {
			error = ERR_TIMEOUT;
			break;
		}
		if (park(p, t, &error))
			return;
		if (!error)
			error = after_wait(p);
		if (!error)
			error = request_try_run(&p->request, t, &p->waiter.buffers);
	}
	parked_answer(p, t, error);
}

/* False when somebody else has it, or had the last word. */
static bool set_trying(struct parked *p)
{
	bool mine;

	pthread_mutex_lock(&p->lock);
	mine = p->state == PARKED;
	if (mine)
		p->state = TRYING;
	else
		p->arrived = true;
	pthread_mutex_unlock(&p->lock);
	return mine;
}

static void on_ready(struct waiter *waiter)
{
	struct parked *p = (struct parked *)((char *)waiter -
					     offsetof(struct parked, waiter));
	struct request_try t;
	int error;

	if (set_trying(p)) {
		request_try_init(&t);
		error = after_wait(p);
		if (!error)
			error = request_try_run(&p->request, &t, &p->waiter.buffers);
		parked_run(p, &t, error);
		request_try_release(&t, p->request.fs);
	}
	parked_put(p);
}

/* What the kernel was told a moment ago about the same bytes holds; 0: nothing. */
static int told_already(struct request *r)
{
	if (!r->kind->asked_twice)
		return 0;
	return recent_failures_find(&r->fs->setbacks, &r->node.leaf, r->node.row,
		(struct run){r->offset, r->size}, clock_monotonic());
}

static void park_first(struct request *r, struct request_try *t)
{
	struct parked *p = parked_new(r);

	if (!p) {
		request_try_answer(r, t, ERR_NO_MEMORY, NULL);
		return;
	}
	p->waiter.ready = on_ready;
	fuse_req_interrupt_func(r->fuse, on_interrupt, p);
	parked_run(p, t, ERR_PENDING);
}

void request_start(struct request *r)
{
	struct request_try t;
	int error, told;

	request_try_init(&t);
	error = request_try_run(r, &t, NULL);
	if (error != ERR_PENDING) {
		request_try_answer(r, &t, error, NULL);
		request_try_send_hints(r, &t);
	} else if ((told = told_already(r))) {
		request_try_release(&t, r->fs);
		fuse_reply_err(r->fuse, failure_errno(told));
		return;
	} else {
		park_first(r, &t);
	}
	if (r->kind->after)
		r->kind->after(r);
}

/* ---- the end ---- */

static void stop(struct parked *p)
{
	if (claim_parked(p)) {
		fuse_req_interrupt_func(p->request.fuse, NULL, NULL);
		fuse_reply_err(p->request.fuse, EINTR);
		parked_put(p);
	}
	if (source_forget(p->request.fs->source, &p->waiter))
		parked_put(p);
}

/* False when the last reference is on its way out. */
static bool parked_get(struct parked *p)
{
	unsigned n = atomic_load(&p->references);

	while (n && !atomic_compare_exchange_weak(&p->references, &n, n + 1))
		;
	return n > 0;
}

void requests_end(struct requests *q)
{
	struct parked *p;

	pthread_mutex_lock(&q->lock);
	while ((p = q->first)) {
		if (!parked_get(p)) {
			pthread_cond_wait(&q->gone, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		stop(p);
		parked_put(p);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
}
