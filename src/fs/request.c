/* SPDX-License-Identifier: MIT */
#include "fs/request.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/filesystem.h"
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
	struct ticket ticket;
	int64_t deadline; /* CLOCK_MONOTONIC ns */
	char name[NAME_MAX_HERE + 1];
	atomic_uint references;
	pthread_mutex_t lock; /* the three below */
	enum state state;
	bool interrupted;
	bool arrived;
	struct parked *next, *previous; /* the list's lock */
};

static void parked_run(struct parked *p, struct trial *t, int error);

/* ---- trials ---- */

/* What is asked for ahead is kept apart from what the step cannot do without. */
static void hint_page(void *ctx, const struct digest *digest)
{
	struct trial *t = ctx;
	unsigned before = t->attempt.want_count;

	if (t->hint_count == HINTS_MAX)
		return;
	attempt_hint_page(&t->attempt, digest);
	if (t->attempt.want_count == before)
		return;
	t->hints[t->hint_count++] = t->attempt.wants[before];
	t->attempt.want_count = before;
}

static int find_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct trial *t = ctx;

	return attempt_page(&t->attempt, digest, out);
}

void trial_hint_wants(struct trial *t)
{
	for (unsigned i = 0; i < t->attempt.want_count && t->hint_count < HINTS_MAX; i++)
		t->hints[t->hint_count++] = t->attempt.wants[i];
	t->attempt.want_count = 0;
}

static void trial_init(struct trial *t)
{
	t->buffer = NULL;
	t->held_count = 0;
	t->hint_count = 0;
	t->attempt.want_count = 0;
	t->pages = (struct page_source){.page = find_page, .hint = hint_page, .ctx = t};
}

static void trial_release(struct trial *t, struct filesystem *fs)
{
	if (t->buffer && t->buffer != t->small)
		buffers_put(&fs->buffers, t->buffer);
	t->buffer = NULL;
}

static void take_back(struct trial *t, struct filesystem *fs)
{
	for (unsigned i = 0; i < t->held_count; i++)
		identity_forget(fs->identity, t->held[i].node, t->held[i].lookups);
	t->held_count = 0;
}

int trial_hold(struct request *r, struct trial *t, const struct digest *leaf, uint32_t row,
	struct fuse_entry_param *entry)
{
	struct leaf_number number;
	struct held *last = t->held_count ? &t->held[t->held_count - 1] : NULL;
	int err;

	if (t->held_count == HELD_MAX)
		return ERR_LIMIT;
	err = identity_hold(r->fs->identity, leaf, 1, &number);
	if (err)
		return err;
	entry->ino = identity_node(number.number, row);
	entry->generation = number.generation;
	if (last && last->node >> NODE_ROW_BITS == number.number)
		last->lookups++;
	else
		t->held[t->held_count++] = (struct held){entry->ino, 1};
	return 0;
}

static int get_buffer(struct request *r, struct trial *t)
{
	if (t->buffer)
		return 0;
	if (r->size > BUFFER_SIZE)
		return ERR_LIMIT;
	t->buffer = r->size <= SMALL_REPLY ? t->small : buffers_get(&r->fs->buffers);
	return t->buffer ? 0 : ERR_NO_MEMORY;
}

/* One try of the whole request. */
static int request_try(struct request *r, struct trial *t, const struct arrivals *arrivals)
{
	int err = get_buffer(r, t);

	t->hint_count = 0;
	if (err)
		return err;
	err = attempt_begin(&t->attempt, r->fs->cache, arrivals);
	if (err)
		return err;
	err = r->kind->step(r, t);
	attempt_end(&t->attempt);
	assert(err != ERR_PENDING || t->attempt.want_count > 0);
	if (err)
		take_back(t, r->fs);
	return err;
}

static void send_hints(struct request *r, struct trial *t)
{
	if (t->hint_count)
		source_hint(r->fs->source, t->hints, t->hint_count, FETCH_READAHEAD);
	t->hint_count = 0;
}

/* ---- answers ---- */

static int send_answer(fuse_req_t fuse, const struct trial *t)
{
	const struct answer *a = &t->answer;

	switch (a->kind) {
	case ANSWER_ENTRY:
		return fuse_reply_entry(fuse, &a->entry);
	case ANSWER_ATTR:
		return fuse_reply_attr(fuse, &a->entry.attr, FOR_EVER);
	case ANSWER_BYTES:
		return fuse_reply_buf(fuse, (const char *)t->buffer, a->size);
	case ANSWER_SIZE:
		return fuse_reply_xattr(fuse, a->size);
	case ANSWER_OFFSET:
		return fuse_reply_lseek(fuse, (off_t)a->offset);
	case ANSWER_ERRNO:
		break;
	}
	return fuse_reply_err(fuse, a->errnum);
}

/* The path, when what is local is enough to tell it. */
static void note_failure(
	struct request *r, struct trial *t, int error, const struct trouble *trouble)
{
	struct entry e;
	struct path path;

	path.size = 0;
	if (attempt_begin(&t->attempt, r->fs->cache, NULL) == 0) {
		if (request_entry(r, t, &e) == 0 && entry_path(&e, &path))
			path.size = 0;
		attempt_end(&t->attempt);
	}
	if (r->name && path.size + 1 + strlen(r->name) < sizeof path.data)
		path.size += (size_t)snprintf(path.data + path.size,
			sizeof path.data - path.size, "%s%s", path.size ? "/" : "",
			r->name);
	failures_note(&r->fs->failures, r->kind->name, path_span(&path), error, trouble);
}

static void finish(
	struct request *r, struct trial *t, int error, const struct trouble *trouble)
{
	if (error && error != ERR_INTERRUPTED)
		note_failure(r, t, error, trouble);
	if (error)
		fuse_reply_err(r->fuse, failure_errno(error));
	else if (send_answer(r->fuse, t))
		take_back(t, r->fs);
	trial_release(t, r->fs);
}

/* ---- parked requests ---- */

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
	ticket_release(&p->ticket);
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
	if (source_forget(p->request.fs->source, &p->ticket))
		parked_put(p); /* for the ready() that will not come */
	parked_put(p);
}

/* The runner's answer. When fuse_req_interrupt_func returns, no handler is running. */
static void parked_answer(struct parked *p, struct trial *t, int error)
{
	pthread_mutex_lock(&p->lock);
	p->state = ANSWERED;
	pthread_mutex_unlock(&p->lock);
	fuse_req_interrupt_func(p->request.fuse, NULL, NULL);
	finish(&p->request, t, error, &p->ticket.trouble);
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
static bool park(struct parked *p, struct trial *t, int *error)
{
	struct filesystem *fs = p->request.fs;

	*error = 0;
	if (!set_wanting(p)) {
		*error = ERR_INTERRUPTED;
		return false;
	}
	trial_release(t, fs);
	p->ticket.trouble.text[0] = '\0';
	atomic_fetch_add(&p->references, 1);
	*error = source_want(fs->source, t->attempt.wants, t->attempt.want_count,
		FETCH_DEMAND, p->deadline, &p->ticket);
	if (*error) {
		atomic_fetch_sub(&p->references, 1);
		pthread_mutex_lock(&p->lock);
		p->state = TRYING;
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	send_hints(&p->request, t);
	return set_parked(p, error);
}

/* A flight is shared: it may have ended at the deadline of somebody who came before. */
static int after_wait(struct parked *p)
{
	if (p->ticket.error == ERR_TIMEOUT && clock_monotonic() < p->deadline)
		return 0;
	return p->ticket.error;
}

/* Goes on from a try that gave `error`, until the request is answered or parked. */
static void parked_run(struct parked *p, struct trial *t, int error)
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
			error = request_try(&p->request, t, &p->ticket.arrivals);
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

static void on_ready(struct ticket *ticket)
{
	struct parked *p = (struct parked *)((char *)ticket -
					     offsetof(struct parked, ticket));
	struct trial t;
	int error;

	if (set_trying(p)) {
		trial_init(&t);
		error = after_wait(p);
		if (!error)
			error = request_try(&p->request, &t, &p->ticket.arrivals);
		parked_run(p, &t, error);
		trial_release(&t, p->request.fs);
	}
	parked_put(p);
}

void request_start(struct request *r)
{
	struct parked *p = NULL;
	struct trial t;
	int error;

	trial_init(&t);
	error = request_try(r, &t, NULL);
	if (error == ERR_PENDING) {
		p = parked_new(r);
		if (!p)
			error = ERR_NO_MEMORY;
	}
	if (p) {
		p->ticket.ready = on_ready;
		fuse_req_interrupt_func(r->fuse, on_interrupt, p);
		parked_run(p, &t, error);
	} else {
		finish(r, &t, error, NULL);
		send_hints(r, &t);
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
	if (source_forget(p->request.fs->source, &p->ticket))
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
