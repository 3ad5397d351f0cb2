/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/write/writer.h"
#include "util/array.h"
#include "cache/objects/open_objects.h"
#include "util/timed_wait.h"
#include "cache/write/repair.h"
#include "cache/meta/transaction.h"
#include "cache/write/housekeeping.h"
#include "util/clock.h"

#define PENDING_MAX ((size_t)32 << 20) /* bytes of pages before putting blocks */
#define OPS_MAX 4096		       /* in one transaction: LMDB bounds its dirty pages */
#define PINS_PENDING_MAX 4096
#define BUCKETS 512
#define LINGER_MS 20 /* more may come: a commit costs a disk flush */
#define TICK_MS 1000

/* A page until its commit is done. */
struct pending_page {
	struct blob_buffer *page;
	struct pending_page *next;
};

struct committer {
	struct cache *cache;
	pthread_t thread;
	struct housekeeping housekeeping; /* the thread's own */
	pthread_mutex_t mtx;		  /* over all below */
	pthread_cond_t work;		  /* there is something to do, or stop */
	pthread_cond_t done;		  /* a round is over */
	struct batch batch;		  /* being filled */
	struct pending_page *pages[BUCKETS];
	size_t pending_bytes;	/* of pages */
	atomic_size_t pending;	/* pages in the table; read without the lock as a hint */
	uint64_t put, finished; /* things handed over; how many of them rounds have seen */
	uint64_t failures;	/* rounds that failed */
	int error;		/* of the last such round */
	bool urgent, repair, stop;
	bool quiet; /* the failure was logged */
};

static struct pending_page **bucket_of(struct committer *k, const struct digest *d)
{
	return &k->pages[d->bytes[0] % BUCKETS];
}

/* mtx is held. */
static void handed_over(struct committer *k)
{
	k->put++;
	pthread_cond_signal(&k->work);
}

static int push(struct committer *k, const struct op *op)
{
	struct batch *b = &k->batch;
	int rc;

	pthread_mutex_lock(&k->mtx);
	rc = array_grow(&b->ops, &b->op_capacity, b->op_count, sizeof(*b->ops));
	if (!rc) {
		struct op *new = &b->ops[b->op_count];

		*new = *op;
		new->number = b->op_count++;
		if (new->object)
			object_get(new->object);
		handed_over(k);
	}
	pthread_mutex_unlock(&k->mtx);
	return rc;
}

static struct op op_of(enum op_kind kind, struct object *o, const struct want *w)
{
	struct op op = {.kind = kind, .object = o};

	if (o) {
		op.digest = o->digest;
		op.instance = o->instance;
	}
	if (w) {
		op.ordinal = w->ordinal;
		op.start = w->start;
		op.size = w->size;
		op.chunk = w->digest;
	}
	return op;
}

int committer_mark(struct committer *k, struct object *o, const struct want *chunk)
{
	struct op op = op_of(OP_MARK, o, chunk);

	op.seconds = clock_realtime() / NS_PER_SECOND;
	return push(k, &op);
}

void committer_drop(struct committer *k, struct object *o, const struct want *chunk)
{
	struct op op = op_of(OP_DROP, o, chunk);

	push(k, &op);
}

void committer_lose(struct committer *k, struct object *o, const struct digest *digest,
	uint64_t instance)
{
	struct op op = op_of(OP_LOSE, o, NULL);

	op.digest = *digest;
	op.instance = instance;
	push(k, &op);
}

void committer_use(struct committer *k, struct object *o, int64_t seconds)
{
	struct op op = op_of(OP_USE, o, NULL);

	op.seconds = seconds;
	push(k, &op);
}

void committer_trust(struct committer *k, struct object *o)
{
	struct op op = op_of(OP_TRUST, o, NULL);

	push(k, &op);
}

int committer_pin(struct committer *k, const char *pin, const struct digest *object)
{
	struct batch *b = &k->batch;
	char *name = strdup(pin);
	int rc = name ? 0 : ERR_NO_MEMORY;

	pthread_mutex_lock(&k->mtx);
	while (!rc && b->pin_count >= PINS_PENDING_MAX)
		pthread_cond_wait(&k->done, &k->mtx);
	if (!rc)
		rc = array_grow(&b->pins, &b->pin_capacity, b->pin_count, sizeof(*b->pins));
	if (!rc) {
		b->pins[b->pin_count++] = (struct pin_op){name, *object};
		name = NULL;
		handed_over(k);
	}
	pthread_mutex_unlock(&k->mtx);
	free(name);
	return rc;
}

/* mtx is held. */
static struct pending_page *find(struct committer *k, const struct digest *digest)
{
	struct pending_page *p = *bucket_of(k, digest);

	while (p && !digest_equal(blob_buffer_digest(p->page), digest))
		p = p->next;
	return p;
}

/* mtx is held. Takes over `p`. */
static int add_page(struct committer *k, struct pending_page *p)
{
	struct batch *b = &k->batch;
	struct pending_page **bucket = bucket_of(k, blob_buffer_digest(p->page));
	int rc = array_grow(&b->pages, &b->page_capacity, b->page_count, sizeof(*b->pages));

	if (rc)
		return rc;
	p->next = *bucket;
	*bucket = p;
	b->pages[b->page_count++] = blob_buffer_get(p->page);
	k->pending_bytes += blob_buffer_span(p->page).size;
	atomic_fetch_add(&k->pending, 1);
	handed_over(k);
	return 0;
}

int committer_put_page(struct committer *k, struct blob_buffer *page)
{
	struct pending_page *p = malloc(sizeof(*p));
	bool known;
	int rc = 0;

	if (!p)
		return ERR_NO_MEMORY;
	*p = (struct pending_page){blob_buffer_get(page), NULL};
	pthread_mutex_lock(&k->mtx);
	while (k->pending_bytes > PENDING_MAX && !k->stop)
		pthread_cond_wait(&k->done, &k->mtx);
	known = find(k, blob_buffer_digest(page)) != NULL;
	if (!known)
		rc = add_page(k, p);
	pthread_mutex_unlock(&k->mtx);
	if (known || rc) {
		blob_buffer_put(p->page);
		free(p);
	}
	return rc;
}

void committer_drop_page(struct committer *k, const struct digest *digest)
{
	struct batch *b = &k->batch;

	pthread_mutex_lock(&k->mtx);
	if (!array_grow(
		    &b->rotten, &b->rotten_capacity, b->rotten_count, sizeof(*b->rotten))) {
		b->rotten[b->rotten_count++] = *digest;
		handed_over(k);
	}
	pthread_mutex_unlock(&k->mtx);
}

struct blob_buffer *committer_find_page(struct committer *k, const struct digest *digest)
{
	struct pending_page *p;
	struct blob_buffer *page = NULL;

	if (!atomic_load_explicit(&k->pending, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&k->mtx);
	p = find(k, digest);
	if (p)
		page = blob_buffer_get(p->page);
	pthread_mutex_unlock(&k->mtx);
	return page;
}

void committer_urge(struct committer *k)
{
	pthread_mutex_lock(&k->mtx);
	k->urgent = true;
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->mtx);
}

void committer_ask_repair(struct committer *k)
{
	pthread_mutex_lock(&k->mtx);
	k->repair = true;
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->mtx);
}

int committer_flush(struct committer *k)
{
	uint64_t goal, failures;
	int rc;

	pthread_mutex_lock(&k->mtx);
	goal = k->put;
	failures = k->failures;
	k->urgent = true;
	pthread_cond_signal(&k->work);
	while (k->finished < goal)
		pthread_cond_wait(&k->done, &k->mtx);
	rc = k->failures != failures ? k->error : 0;
	pthread_mutex_unlock(&k->mtx);
	return rc;
}

/* mtx is held. */
static bool has_work(const struct batch *b)
{
	return b->op_count || b->page_count || b->rotten_count || b->pin_count;
}

/* mtx is held. Ops beyond what one transaction bears stay for the next. */
static void take(struct committer *k, struct batch *b, uint64_t *count)
{
	struct batch *from = &k->batch;
	size_t rest;

	*b = *from;
	*from = (struct batch){0};
	*count = k->put;
	if (b->op_count <= OPS_MAX)
		return;
	rest = b->op_count - OPS_MAX;
	from->ops = calloc(rest, sizeof(*from->ops));
	if (!from->ops)
		return; /* then all at once; LMDB may refuse */
	from->op_count = from->op_capacity = rest;
	memcpy(from->ops, b->ops + OPS_MAX, rest * sizeof(*from->ops));
	for (size_t i = 0; i < rest; i++)
		from->ops[i].number = i;
	b->op_count = OPS_MAX;
	*count = 0; /* whoever waits for the last one waits for the next round */
}

/* mtx is held. The page is in the metadata now, or nowhere. */
static void remove_page(struct committer *k, const struct digest *digest)
{
	struct pending_page **at = bucket_of(k, digest), *p;

	while (*at && !digest_equal(blob_buffer_digest((*at)->page), digest))
		at = &(*at)->next;
	p = *at;
	assert(p);
	*at = p->next;
	k->pending_bytes -= blob_buffer_span(p->page).size;
	atomic_fetch_sub(&k->pending, 1);
	blob_buffer_put(p->page);
	free(p);
}

static void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->op_count; i++)
		object_put(b->ops[i].object);
	for (size_t i = 0; i < b->page_count; i++)
		blob_buffer_put(b->pages[i]);
	for (size_t i = 0; i < b->pin_count; i++)
		free(b->pins[i].name);
	free(b->ops);
	free(b->pages);
	free(b->rotten);
	free(b->pins);
}

static void report(struct committer *k, int rc)
{
	if (rc && !k->quiet)
		log_warning(k->cache->log,
			"cache: cannot write to %s: %s: what is read now is not kept",
			k->cache->directory.path, error_text(rc));
	if (rc == ERR_CORRUPT && !k->quiet)
		directory_mark_damaged(&k->cache->directory);
	k->quiet = rc != 0;
}

/* mtx is held, and let go for the commit. Whoever waits for the round finds the batch's
 * references given back: an object that it was the last to use is no longer busy. */
static void run_round(struct committer *k, bool shrink)
{
	struct batch b;
	uint64_t count;
	bool more = false;
	int rc;

	take(k, &b, &count);
	b.shrink = shrink;
	k->urgent = false;
	pthread_mutex_unlock(&k->mtx);
	rc = round_commit(k->cache, &b, &more);
	report(k, rc);
	pthread_mutex_lock(&k->mtx);
	for (size_t i = 0; i < b.page_count; i++)
		remove_page(k, blob_buffer_digest(b.pages[i]));
	pthread_mutex_unlock(&k->mtx);
	batch_release(&b);
	pthread_mutex_lock(&k->mtx);
	if (k->finished < count)
		k->finished = count;
	if (rc) {
		k->failures++;
		k->error = rc;
	}
	k->urgent = k->urgent || more;
	pthread_cond_broadcast(&k->done);
}

/* mtx is held, and let go. */
static void run_upkeep(struct committer *k)
{
	bool repair = k->repair;
	bool shrink;

	k->repair = false;
	pthread_mutex_unlock(&k->mtx);
	if (repair)
		repair_cache(k->cache);
	shrink = housekeeping_run(&k->housekeeping, k->cache);
	pthread_mutex_lock(&k->mtx);
	if (shrink && !k->stop)
		run_round(k, true);
}

/* mtx is held. Lets more come together, unless somebody waits. */
static void linger(struct committer *k)
{
	int64_t until = clock_monotonic() + LINGER_MS * NS_PER_MS;
	int64_t left = LINGER_MS;

	while (left > 0 && !k->urgent && !k->stop && k->batch.op_count < OPS_MAX &&
		k->pending_bytes < PENDING_MAX / 2) {
		timed_wait(&k->work, &k->mtx, (unsigned)left);
		left = (until - clock_monotonic()) / NS_PER_MS;
	}
}

static void *run(void *arg)
{
	struct committer *k = arg;

	pthread_mutex_lock(&k->mtx);
	while (!k->stop || has_work(&k->batch)) {
		bool idle = false;

		if (!has_work(&k->batch) && !k->urgent && !k->repair && !k->stop)
			idle = !timed_wait(&k->work, &k->mtx, TICK_MS);
		if (has_work(&k->batch))
			linger(k);
		if (has_work(&k->batch) || k->urgent)
			run_round(k, false);
		if (idle || k->repair || housekeeping_is_due(&k->housekeeping))
			run_upkeep(k);
	}
	pthread_mutex_unlock(&k->mtx);
	return NULL;
}

int committer_new(struct cache *c, struct committer **out)
{
	struct committer *k = calloc(1, sizeof(*k));

	if (!k)
		return ERR_NO_MEMORY;
	k->cache = c;
	pthread_mutex_init(&k->mtx, NULL);
	timed_wait_init(&k->work);
	pthread_cond_init(&k->done, NULL);
	if (pthread_create(&k->thread, NULL, run, k)) {
		pthread_cond_destroy(&k->done);
		pthread_cond_destroy(&k->work);
		pthread_mutex_destroy(&k->mtx);
		free(k);
		return ERR_IO;
	}
#ifdef HAVE_PTHREAD_SETNAME_NP
	pthread_setname_np(k->thread, "cairn-commit");
#endif
	*out = k;
	return 0;
}

void committer_free(struct committer *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->mtx);
	k->stop = true;
	pthread_cond_broadcast(&k->work);
	pthread_cond_broadcast(&k->done);
	pthread_mutex_unlock(&k->mtx);
	pthread_join(k->thread, NULL);
	batch_release(&k->batch);
	pthread_cond_destroy(&k->done);
	pthread_cond_destroy(&k->work);
	pthread_mutex_destroy(&k->mtx);
	free(k);
}
