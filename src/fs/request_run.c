/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/request_run.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/filesystem.h"
#include "fs/request_end.h"
#include "fs/request_path.h"
#include "fs/request_try.h"
#include "util/clock.h"

/*
 * A parked request is TRYING while a thread (the runner) works on it, WANTING while the
 * runner is inside source_want, PARKED when nobody has it, ANSWERED at the end. Who moves
 * it to ANSWERED answers. An interrupt or a completion that comes while there is a runner
 * leaves a flag for it.
 */
enum parked_state { TRYING, WANTING, PARKED, ANSWERED };

/* References: one of who will answer, one of each source_want whose ready() is due. */
struct parked {
	struct parked_link link;
	struct request request;
	struct waiter waiter;
	int64_t deadline; /* CLOCK_MONOTONIC ns */
	int64_t since;	  /* constant, as are the next two */
	pid_t thread;
	uid_t uid;
	char name[REQUEST_NAME_MAX + 1];
	pthread_mutex_t parked_mtx; /* all below */
	enum parked_state state;
	bool interrupted;
	bool completed;
};

static struct parked *parked_new(const struct request *r)
{
	struct parked *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->request = *r;
	p->request.waited = true;
	if (r->name) {
		snprintf(p->name, sizeof p->name, "%s", r->name);
		p->request.name = p->name;
	}
	p->thread = fuse_req_ctx(r->fuse)->pid;
	p->uid = fuse_req_ctx(r->fuse)->uid;
	p->since = clock_monotonic();
	p->deadline = p->since + r->fs->deadline_ns;
	p->state = TRYING;
	pthread_mutex_init(&p->parked_mtx, NULL);
	parked_list_add(&r->fs->parked, &p->link);
	return p;
}

/* Gives back so many references, all that the caller has: p may be gone afterwards. */
static void parked_put(struct parked *p, unsigned references)
{
	if (!parked_list_put(&p->link, references))
		return;
	waiter_release(&p->waiter);
	parked_list_remove(&p->request.fs->parked, &p->link);
	pthread_mutex_destroy(&p->parked_mtx);
	free(p);
}

/* Takes a request that nobody has, or leaves word for its runner. */
static bool parked_claim(struct parked *p)
{
	bool won;

	pthread_mutex_lock(&p->parked_mtx);
	won = p->state == PARKED;
	if (won)
		p->state = ANSWERED;
	else
		p->interrupted = true;
	pthread_mutex_unlock(&p->parked_mtx);
	return won;
}

/* libfuse calls this with its lock of the request held: from another thread, or at once
 * from within fuse_req_interrupt_func. Then we are TRYING: answering would free the
 * request under libfuse's feet, so the runner does it. */
static void on_interrupt(fuse_req_t fuse, void *data)
{
	struct parked *p = data;
	unsigned references = 1; /* of who answers */

	if (!parked_claim(p))
		return;
	request_end(&p->request, ERR_INTERRUPTED, NULL);
	fuse_reply_err(fuse, EINTR);
	if (source_forget(p->request.fs->source, &p->waiter))
		references++; /* of the ready() that will not come */
	parked_put(p, references);
}

/* The runner's answer. When fuse_req_interrupt_func returns, no handler is running. */
static void parked_answer(struct parked *p, struct request_try *t, int error)
{
	pthread_mutex_lock(&p->parked_mtx);
	p->state = ANSWERED;
	pthread_mutex_unlock(&p->parked_mtx);
	fuse_req_interrupt_func(p->request.fuse, NULL, NULL);
	request_try_answer(&p->request, t, error, &p->waiter.trouble);
	parked_put(p, 1);
}

static bool set_wanting(struct parked *p)
{
	bool go;

	pthread_mutex_lock(&p->parked_mtx);
	go = !p->interrupted;
	if (go) {
		p->state = WANTING;
		p->completed = false;
	}
	pthread_mutex_unlock(&p->parked_mtx);
	return go;
}

/* After source_want: true when p has been left to whoever comes next; it may be gone. */
static bool set_parked(struct parked *p, int *error)
{
	bool left = false;

	pthread_mutex_lock(&p->parked_mtx);
	p->state = TRYING;
	if (p->interrupted) {
		*error = ERR_INTERRUPTED;
	} else if (!p->completed) {
		p->state = PARKED;
		left = true;
	}
	pthread_mutex_unlock(&p->parked_mtx);
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
	parked_list_share(&p->link);
	*error = source_want(fs->source, t->attempt.wants, t->attempt.want_count,
		FETCH_DEMAND, p->deadline, &p->waiter);
	if (*error) {
		parked_list_put(&p->link, 1); /* the runner's is left */
		pthread_mutex_lock(&p->parked_mtx);
		p->state = TRYING;
		pthread_mutex_unlock(&p->parked_mtx);
		return false;
	}
	hints_send(&t->hints, fs->source);
	return set_parked(p, error);
}

/* What the wait came to. Each blob that has come is progress: the next has as long. A
 * download is shared: it may have ended at the deadline of somebody who came before. */
static int wait_outcome(struct parked *p)
{
	if (!p->waiter.error)
		p->deadline = clock_monotonic() + p->request.fs->deadline_ns;
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
			error = wait_outcome(p);
		if (!error)
			error = request_try_run(&p->request, t, &p->waiter.buffers);
	}
	parked_answer(p, t, error);
}

/* False when somebody else has it, or had the last word. */
static bool set_trying(struct parked *p)
{
	bool mine;

	pthread_mutex_lock(&p->parked_mtx);
	mine = p->state == PARKED;
	if (mine)
		p->state = TRYING;
	else
		p->completed = true;
	pthread_mutex_unlock(&p->parked_mtx);
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
		error = wait_outcome(p);
		if (!error)
			error = request_try_run(&p->request, &t, &p->waiter.buffers);
		parked_run(p, &t, error);
		request_try_release(&t, p->request.fs);
	}
	parked_put(p, 1);
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

/* What the kernel was told a moment ago about the same bytes holds; 0: nothing. */
static int told_already(struct request *r)
{
	if (!r->kind->asked_twice)
		return 0;
	return recent_failures_find(&r->fs->recent_failures, &r->node.leaf, r->node.row,
		(struct run){r->offset, r->size}, clock_monotonic());
}

static void run_located(struct request *r)
{
	struct request_try t;
	int error, told;

	request_try_init(&t);
	error = request_try_run(r, &t, NULL);
	if (error != ERR_PENDING) {
		request_try_answer(r, &t, error, NULL);
		hints_send(&t.hints, r->fs->source);
	} else if ((told = told_already(r))) {
		request_try_release(&t, r->fs);
		request_end(r, told, NULL);
		fuse_reply_err(r->fuse, failure_errno(told));
		return;
	} else {
		park_first(r, &t);
	}
	if (r->kind->after)
		r->kind->after(r);
}

void request_run(struct request *r, fuse_req_t fuse, fuse_ino_t node)
{
	r->fs = fuse_req_userdata(fuse);
	r->fuse = fuse;
	r->began = clock_monotonic();
	if (r->fs->apart && node >> NODE_SPACE_SHIFT == NODE_SPACE_LAST) {
		r->fs->apart(r, node);
		return;
	}
	if (!filesystem_locate(r->fs, node, &r->node)) {
		run_located(r);
		return;
	}
	request_end(r, ERR_ABSENT, NULL);
	fuse_reply_err(fuse, ESTALE);
}

/* With a reference of the caller's, which ends. */
static void parked_stop(struct parked *p)
{
	unsigned references = 1;

	if (parked_claim(p)) {
		fuse_req_interrupt_func(p->request.fuse, NULL, NULL);
		request_end(&p->request, ERR_INTERRUPTED, NULL);
		fuse_reply_err(p->request.fuse, EINTR);
		references++;
	}
	if (source_forget(p->request.fs->source, &p->waiter))
		references++;
	parked_put(p, references);
}

static struct parked *parked_of(struct parked_link *link)
{
	return (struct parked *)((char *)link - offsetof(struct parked, link));
}

static void parked_tell(struct parked *p, struct parked_look *out)
{
	struct request *r = &p->request;

	out->thread = p->thread;
	out->uid = p->uid;
	out->operation = r->kind->name;
	out->is_read = r->kind->asked_twice;
	out->offset = r->offset;
	out->size = r->size;
	out->since = p->since;
	out->for_manifest = false;
	out->blob_count = source_look(
		r->fs->source, &p->waiter, out->blobs, PARKED_BLOBS_MAX, &out->deadline);
	request_path(r, &out->path);
}

int request_run_look(struct filesystem *fs, unsigned *count, parked_look_fn each, void *ctx)
{
	struct parked_link **links = calloc(REQUEST_LOOKS_MAX, sizeof *links);
	struct parked_look *look = malloc(sizeof *look);
	int rc = links && look ? 0 : ERR_NO_MEMORY;
	unsigned found = 0;

	if (!rc)
		found = parked_list_all(&fs->parked, links, REQUEST_LOOKS_MAX, count);
	while (found > 0) {
		struct parked *p = parked_of(links[--found]);

		if (!rc) {
			parked_tell(p, look);
			rc = each(ctx, look);
		}
		parked_put(p, 1);
	}
	free(look);
	free(links);
	return rc;
}

void request_run_end(struct filesystem *fs)
{
	struct parked_link *link;

	while ((link = parked_list_get(&fs->parked)))
		parked_stop(parked_of(link));
}
