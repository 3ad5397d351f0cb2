/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/write/pending_pages.h"
#include "cache/write/write_queue.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/timed_wait.h"

#define PENDING_MAX ((size_t)32 << 20) /* bytes of pages before putting blocks */
#define OPS_MAX 4096		       /* in one transaction: LMDB bounds its dirty pages */
#define PINS_PENDING_MAX 4096
#define LINGER_MS 20 /* more may come: a commit costs a disk flush */
#define TICK_MS 1000
#define RESERVE_WAIT (5 * NS_PER_SECOND)
#define ROOM_WAIT (5 * NS_PER_SECOND)	/* while too much is pending */
#define FLUSH_WAIT (60 * NS_PER_SECOND) /* for the disk, while nothing gets done */

struct write_queue {
	struct reservation reservation;	 /* has a lock of its own */
	pthread_mutex_t write_queue_mtx; /* over all below */
	pthread_cond_t work_cond;	 /* there is something to do, or stop */
	pthread_cond_t done_cond;	 /* a commit is over, or could not be tried */
	struct batch batch;		 /* being filled */
	struct pending_pages pages;
	uint64_t put, finished; /* things handed over; how many of them are over */
	uint64_t failures;	/* commits that failed: what they held is lost */
	int error;		/* of the last one */
	uint64_t losses;	/* marks and pages that are in no books */
	uint64_t stalls;	/* commits that could not be tried, and will be again */
	bool urgent, repair, stop;
	bool stalled; /* the books could not be written to: nobody waits for them */
};

int write_queue_new(struct write_queue **out)
{
	struct write_queue *q = calloc(1, sizeof *q);

	if (!q)
		return ERR_NO_MEMORY;
	reservation_init(&q->reservation);
	pthread_mutex_init(&q->write_queue_mtx, NULL);
	timed_wait_init(&q->work_cond);
	timed_wait_init(&q->done_cond);
	*out = q;
	return 0;
}

static void batch_release(struct batch *b)
{
	struct changes *c = &b->changes;

	for (size_t i = 0; i < c->op_count; i++)
		object_put(b->objects[i]);
	for (size_t i = 0; i < c->page_count; i++)
		blob_buffer_put(c->pages[i]);
	for (size_t i = 0; i < c->pin_count; i++)
		free(c->pins[i].name);
	free(b->objects);
	free(c->ops);
	free(c->pages);
	free(c->rotten);
	free(c->pins);
	*b = (struct batch){0};
}

void write_queue_free(struct write_queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->batch.changes.page_count; i++)
		pending_pages_remove(
			&q->pages, blob_buffer_digest(q->batch.changes.pages[i]));
	batch_release(&q->batch);
	pthread_cond_destroy(&q->done_cond);
	pthread_cond_destroy(&q->work_cond);
	pthread_mutex_destroy(&q->write_queue_mtx);
	reservation_release(&q->reservation);
	free(q);
}

struct reservation *write_queue_reservation(struct write_queue *q)
{
	return &q->reservation;
}

static bool is_stalled(struct write_queue *q)
{
	bool stalled;

	pthread_mutex_lock(&q->write_queue_mtx);
	stalled = q->stalled;
	pthread_mutex_unlock(&q->write_queue_mtx);
	return stalled;
}

int write_queue_reserve(struct write_queue *q, uint64_t bytes)
{
	int rc = reservation_draw(&q->reservation, bytes);

	if (rc != ERR_PENDING)
		return rc;
	if (is_stalled(q))
		return ERR_TIMEOUT;
	reservation_demand(&q->reservation, bytes);
	write_queue_urge(q);
	return reservation_await(&q->reservation, bytes, clock_monotonic() + RESERVE_WAIT);
}

/* write_queue_mtx is held. */
static void handed_over(struct write_queue *q)
{
	q->put++;
	pthread_cond_signal(&q->work_cond);
}

/* Shares a reference to the object, which may be NULL. */
static int push_change(struct write_queue *q, const struct change *change, struct object *o)
{
	struct batch *b = &q->batch;
	struct changes *c = &b->changes;
	int rc;

	pthread_mutex_lock(&q->write_queue_mtx);
	rc = array_grow(&c->ops, &b->op_capacity, c->op_count, sizeof *c->ops);
	if (!rc)
		rc = array_grow(
			&b->objects, &b->object_capacity, c->op_count, sizeof *b->objects);
	if (!rc) {
		c->ops[c->op_count] = *change;
		c->ops[c->op_count].number = c->op_count;
		if (change->kind == CHANGE_MARK)
			c->ops[c->op_count].sequence = q->put + 1;
		b->objects[c->op_count++] = o ? object_get(o) : NULL;
		handed_over(q);
	}
	pthread_mutex_unlock(&q->write_queue_mtx);
	return rc;
}

static struct change change_of(
	enum change_kind kind, const struct object *o, const struct want *w)
{
	struct change c = {.kind = kind,
		.object = o->id,
		.instance = o->instance,
		.generation = o->generation,
		.file = o->file};

	if (w) {
		c.ordinal = w->ordinal;
		c.start = w->start;
		c.size = w->size;
		c.chunk = w->digest;
	}
	return c;
}

int write_queue_mark(struct write_queue *q, struct object *o, const struct want *chunk)
{
	struct change c = change_of(CHANGE_MARK, o, chunk);

	c.seconds = clock_realtime() / NS_PER_SECOND;
	c.object_size = o->size;
	c.chunks = o->chunks;
	return push_change(q, &c, o);
}

void write_queue_drop(struct write_queue *q, struct object *o, const struct want *chunk)
{
	struct change c = change_of(CHANGE_DROP, o, chunk);

	push_change(q, &c, o);
}

void write_queue_lose(struct write_queue *q, struct object *o, const struct object_id *id,
	uint64_t instance)
{
	struct change c = {.kind = CHANGE_LOSE, .object = *id, .instance = instance};

	push_change(q, &c, o);
}

void write_queue_use(struct write_queue *q, struct object *o, int64_t seconds)
{
	struct change c = change_of(CHANGE_USE, o, NULL);

	c.seconds = seconds;
	push_change(q, &c, o);
}

void write_queue_trust(struct write_queue *q, struct object *o)
{
	struct change c = change_of(CHANGE_TRUST, o, NULL);

	push_change(q, &c, o);
}

void write_queue_adopt(struct write_queue *q, struct object *o)
{
	struct change c = change_of(CHANGE_ADOPT, o, NULL);

	push_change(q, &c, o);
}

uint64_t write_queue_sequence(struct write_queue *q)
{
	uint64_t sequence;

	pthread_mutex_lock(&q->write_queue_mtx);
	sequence = q->put;
	pthread_mutex_unlock(&q->write_queue_mtx);
	return sequence;
}

void write_queue_flushed(struct write_queue *q, struct object *o, uint64_t sequence)
{
	struct change c = change_of(CHANGE_FLUSHED, o, NULL);

	c.sequence = sequence;
	push_change(q, &c, o);
}

/* write_queue_mtx is held. Waits while too much is pending: `is_full` is looked at under
 * the lock. */
static int wait_for_room(
	struct write_queue *q, bool (*is_full)(const struct write_queue *q))
{
	int64_t deadline = clock_monotonic() + ROOM_WAIT;

	while (is_full(q) && !q->stop) {
		if (q->stalled || clock_monotonic() >= deadline)
			return ERR_TIMEOUT;
		timed_wait(&q->done_cond, &q->write_queue_mtx, TICK_MS);
	}
	return 0;
}

static bool is_full_of_pins(const struct write_queue *q)
{
	return q->batch.changes.pin_count >= PINS_PENDING_MAX;
}

static bool is_full_of_pages(const struct write_queue *q)
{
	return q->pages.bytes > PENDING_MAX;
}

int write_queue_pin(struct write_queue *q, const char *pin, const struct object_id *object)
{
	struct batch *b = &q->batch;
	struct changes *c = &b->changes;
	char *name = strdup(pin);
	int rc;

	if (!name)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&q->write_queue_mtx);
	rc = wait_for_room(q, is_full_of_pins);
	if (!rc)
		rc = array_grow(&c->pins, &b->pin_capacity, c->pin_count, sizeof *c->pins);
	if (!rc) {
		c->pins[c->pin_count++] = (struct pin_change){name, *object};
		name = NULL;
		handed_over(q);
	}
	pthread_mutex_unlock(&q->write_queue_mtx);
	free(name);
	return rc;
}

/* write_queue_mtx is held. */
static int add_page(struct write_queue *q, struct blob_buffer *page)
{
	struct batch *b = &q->batch;
	struct changes *c = &b->changes;
	int rc = array_grow(&c->pages, &b->page_capacity, c->page_count, sizeof *c->pages);

	if (!rc)
		rc = pending_pages_add(&q->pages, page);
	if (rc)
		return rc;
	c->pages[c->page_count++] = blob_buffer_get(page);
	handed_over(q);
	return 0;
}

int write_queue_put_page(struct write_queue *q, struct blob_buffer *page)
{
	int rc;

	pthread_mutex_lock(&q->write_queue_mtx);
	rc = wait_for_room(q, is_full_of_pages);
	if (!rc && !pending_pages_find(&q->pages, blob_buffer_digest(page)))
		rc = add_page(q, page);
	pthread_mutex_unlock(&q->write_queue_mtx);
	return rc;
}

void write_queue_drop_page(struct write_queue *q, const struct digest *digest)
{
	struct batch *b = &q->batch;
	struct changes *c = &b->changes;

	pthread_mutex_lock(&q->write_queue_mtx);
	if (!array_grow(
		    &c->rotten, &b->rotten_capacity, c->rotten_count, sizeof *c->rotten)) {
		c->rotten[c->rotten_count++] = *digest;
		handed_over(q);
	}
	pthread_mutex_unlock(&q->write_queue_mtx);
}

struct blob_buffer *write_queue_find_page(
	struct write_queue *q, const struct digest *digest)
{
	struct blob_buffer *page;

	if (!atomic_load_explicit(&q->pages.count, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&q->write_queue_mtx);
	page = pending_pages_find(&q->pages, digest);
	if (page)
		blob_buffer_get(page);
	pthread_mutex_unlock(&q->write_queue_mtx);
	return page;
}

void write_queue_urge(struct write_queue *q)
{
	pthread_mutex_lock(&q->write_queue_mtx);
	q->urgent = true;
	pthread_cond_signal(&q->work_cond);
	pthread_mutex_unlock(&q->write_queue_mtx);
}

void write_queue_ask_repair(struct write_queue *q)
{
	pthread_mutex_lock(&q->write_queue_mtx);
	q->repair = true;
	pthread_cond_signal(&q->work_cond);
	pthread_mutex_unlock(&q->write_queue_mtx);
}

/* write_queue_mtx is held. Until `goal` is over, a commit stalls, or none has ended for too
 * long: a disk may hang. */
static int await_commits(struct write_queue *q, uint64_t goal)
{
	int64_t deadline = clock_monotonic() + FLUSH_WAIT;
	uint64_t stalls = q->stalls, finished = q->finished;

	while (q->finished < goal) {
		if (q->stalls != stalls || clock_monotonic() >= deadline)
			return ERR_TIMEOUT;
		timed_wait(&q->done_cond, &q->write_queue_mtx, TICK_MS);
		if (q->finished != finished)
			deadline = clock_monotonic() + FLUSH_WAIT;
		finished = q->finished;
	}
	return 0;
}

int write_queue_flush(struct write_queue *q)
{
	uint64_t failures;
	int rc;

	pthread_mutex_lock(&q->write_queue_mtx);
	failures = q->failures;
	/* Where nothing is pending, nobody need be waited for. */
	if (q->finished < q->put) {
		q->urgent = true;
		pthread_cond_signal(&q->work_cond);
	}
	rc = await_commits(q, q->put);
	if (q->failures != failures)
		rc = q->error;
	pthread_mutex_unlock(&q->write_queue_mtx);
	return rc;
}

uint64_t write_queue_losses(struct write_queue *q)
{
	uint64_t losses;

	pthread_mutex_lock(&q->write_queue_mtx);
	losses = q->losses;
	pthread_mutex_unlock(&q->write_queue_mtx);
	return losses;
}

void write_queue_note_losses(struct write_queue *q, uint64_t count)
{
	if (!count)
		return;
	pthread_mutex_lock(&q->write_queue_mtx);
	q->losses += count;
	pthread_mutex_unlock(&q->write_queue_mtx);
}

static bool has_work(const struct batch *b)
{
	const struct changes *c = &b->changes;

	return c->op_count || c->page_count || c->rotten_count || c->pin_count;
}

/* write_queue_mtx is held. Lets more come together, unless somebody waits. */
static void linger(struct write_queue *q)
{
	int64_t until = clock_monotonic() + LINGER_MS * NS_PER_MS;
	int64_t left = LINGER_MS;

	while (left > 0 && !q->urgent && !q->stop && q->batch.changes.op_count < OPS_MAX &&
		q->pages.bytes < PENDING_MAX / 2) {
		timed_wait(&q->work_cond, &q->write_queue_mtx, (unsigned)left);
		left = (until - clock_monotonic()) / NS_PER_MS;
	}
}

/* write_queue_mtx is held. Ops beyond what one transaction bears stay for the next. */
static void split_ops(struct batch *b, struct batch *rest)
{
	size_t count = b->changes.op_count - OPS_MAX;
	struct change *ops = calloc(count, sizeof *ops);
	struct object **objects = calloc(count, sizeof(struct object *));

	if (!ops || !objects) {
		free(ops);
		free(objects);
		return; /* then all at once; LMDB may refuse */
	}
	memcpy(ops, b->changes.ops + OPS_MAX, count * sizeof *ops);
	memcpy(objects, b->objects + OPS_MAX, count * sizeof *objects);
	for (size_t i = 0; i < count; i++)
		ops[i].number = i;
	rest->changes.ops = ops;
	rest->objects = objects;
	rest->changes.op_count = rest->op_capacity = rest->object_capacity = count;
	b->changes.op_count = OPS_MAX;
	b->goal = 0; /* whoever waits for the last one waits for the next batch */
}

/* write_queue_mtx is held. */
static void take_batch(struct write_queue *q, struct batch *out)
{
	*out = q->batch;
	out->goal = q->put;
	q->batch = (struct batch){0};
	if (out->changes.op_count > OPS_MAX)
		split_ops(out, &q->batch);
}

void write_queue_take(struct write_queue *q, struct work *out)
{
	*out = (struct work){0};
	pthread_mutex_lock(&q->write_queue_mtx);
	if (!has_work(&q->batch) && !q->urgent && !q->repair && !q->stop)
		out->idle = !timed_wait(&q->work_cond, &q->write_queue_mtx, TICK_MS);
	if (has_work(&q->batch))
		linger(q);
	out->stop = q->stop;
	out->commit = has_work(&q->batch) || (q->urgent && !q->stop);
	if (out->commit)
		take_batch(q, &out->batch);
	q->urgent = false;
	out->repair = q->repair;
	q->repair = false;
	pthread_mutex_unlock(&q->write_queue_mtx);
}

void write_queue_done(struct write_queue *q, struct batch *b, int rc, bool more)
{
	uint64_t goal = b->goal;

	pthread_mutex_lock(&q->write_queue_mtx);
	for (size_t i = 0; i < b->changes.page_count; i++)
		pending_pages_remove(&q->pages, blob_buffer_digest(b->changes.pages[i]));
	pthread_mutex_unlock(&q->write_queue_mtx);
	batch_release(b);
	pthread_mutex_lock(&q->write_queue_mtx);
	if (q->finished < goal)
		q->finished = goal;
	if (rc) {
		q->failures++;
		q->error = rc;
	}
	if (rc != ERR_TIMEOUT)
		q->stalled = false;
	q->urgent = q->urgent || more;
	pthread_cond_broadcast(&q->done_cond);
	pthread_mutex_unlock(&q->write_queue_mtx);
}

void write_queue_stalled(struct write_queue *q)
{
	pthread_mutex_lock(&q->write_queue_mtx);
	q->stalls++;
	q->stalled = true;
	pthread_cond_broadcast(&q->done_cond);
	pthread_mutex_unlock(&q->write_queue_mtx);
}

void write_queue_stop(struct write_queue *q)
{
	pthread_mutex_lock(&q->write_queue_mtx);
	q->stop = true;
	pthread_cond_broadcast(&q->work_cond);
	pthread_cond_broadcast(&q->done_cond);
	pthread_mutex_unlock(&q->write_queue_mtx);
}

bool write_queue_is_stopped(struct write_queue *q)
{
	bool stop;

	pthread_mutex_lock(&q->write_queue_mtx);
	stop = q->stop;
	pthread_mutex_unlock(&q->write_queue_mtx);
	return stop;
}
