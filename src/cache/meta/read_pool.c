/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdint.h>

#include "cache/meta/read_pool.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/timed_wait.h"

#define GROW_WAIT_MS 50 /* newcomers are held off at most so long at a time */
#define FOLLOW_WAIT NS_PER_SECOND
#define SLOT_WAIT (2 * NS_PER_SECOND)
#define BEGIN_TRIES 3
#define MAP_MOST (SIZE_MAX / 4)

void read_pool_init(
	struct read_pool *p, struct environment *environment, struct bounded_call *slots)
{
	*p = (struct read_pool){.environment = environment, .slots = slots, .shut = true};
	pthread_mutex_init(&p->pool_mtx, NULL);
	timed_wait_init(&p->pool_cond);
}

void read_pool_release(struct read_pool *p)
{
	pthread_cond_destroy(&p->pool_cond);
	pthread_mutex_destroy(&p->pool_mtx);
}

static int pool_call_abort(void *arg)
{
	mdb_txn_abort(arg);
	return 0;
}

static void pool_abort(struct read_pool *p, MDB_txn *txn)
{
	guard_call(p->environment->guard, pool_call_abort, txn);
}

static int pool_soundness(const struct read_pool *p)
{
	if (!guard_is_sound(p->environment->guard))
		return ERR_CORRUPT;
	return atomic_load_explicit(&p->lost, memory_order_acquire) ? ERR_IO : 0;
}

/* pool_mtx is held. */
static int pool_state(const struct read_pool *p)
{
	int rc = pool_soundness(p);

	return !rc && p->shut ? ERR_IO : rc;
}

static bool pool_is_in_use(const struct read_pool *p)
{
	return p->active || p->writing;
}

/* pool_mtx is held. Waits for the transactions of this process to end, with newcomers
 * held off: for a while at a time only, lest one of them holds what others wait for. */
static bool pool_drain(struct read_pool *p, int64_t deadline)
{
	while (pool_is_in_use(p) && clock_monotonic() < deadline) {
		p->growing = true;
		timed_wait(&p->pool_cond, &p->pool_mtx, GROW_WAIT_MS);
		if (!pool_is_in_use(p))
			break;
		p->growing = false;
		pthread_cond_broadcast(&p->pool_cond);
		timed_wait(&p->pool_cond, &p->pool_mtx, 1);
	}
	return !pool_is_in_use(p);
}

struct begin_call {
	MDB_env *env;
	MDB_txn *txn; /* NULL: a new one */
};

static int pool_call_begin(void *arg)
{
	struct begin_call *c = arg;

	if (c->txn)
		return mdb_txn_renew(c->txn);
	return mdb_txn_begin(c->env, NULL, MDB_RDONLY, &c->txn);
}

static int call_reset(void *arg)
{
	mdb_txn_reset(arg);
	return 0;
}

/* Nobody else is within. Begins a transaction when none was kept, and keeps it. */
void read_pool_find_map(struct read_pool *p)
{
	struct begin_call c = {.env = p->environment->env};

	if (p->idle_count)
		c.txn = p->idle[--p->idle_count];
	if (guard_call(p->environment->guard, pool_call_begin, &c)) {
		if (c.txn)
			pool_abort(p, c.txn);
		return;
	}
	environment_find_map(p->environment, c.txn);
	guard_call(p->environment->guard, call_reset, c.txn);
	p->idle[p->idle_count++] = c.txn;
}

int read_pool_resize(struct read_pool *p, size_t size, int64_t deadline)
{
	int rc = ERR_BUSY;

	pthread_mutex_lock(&p->pool_mtx);
	if (pool_drain(p, deadline))
		rc = p->shut ? ERR_IO : environment_resize(p->environment, size);
	/* One that was kept waits for nobody. */
	if (!rc && p->idle_count)
		read_pool_find_map(p);
	p->growing = false;
	pthread_cond_broadcast(&p->pool_cond);
	pthread_mutex_unlock(&p->pool_mtx);
	return rc;
}

/* pool_mtx is held. Gives way to a map that wants to grow, for a while. */
static void let_it_grow(struct read_pool *p)
{
	int64_t until = clock_monotonic() + GROW_WAIT_MS * NS_PER_MS;

	while (p->growing && clock_monotonic() < until)
		timed_wait(&p->pool_cond, &p->pool_mtx, GROW_WAIT_MS);
}

/* Counts us in, unless there is nothing to come into. `txn` (may be NULL) is one that was
 * kept. */
static int pool_enter(struct read_pool *p, bool within, MDB_txn **txn)
{
	int rc;

	pthread_mutex_lock(&p->pool_mtx);
	if (p->growing && !within)
		let_it_grow(p);
	rc = pool_state(p);
	if (!rc)
		p->active++;
	if (!rc && txn && p->idle_count)
		*txn = p->idle[--p->idle_count];
	pthread_mutex_unlock(&p->pool_mtx);
	return rc;
}

/* pool_mtx is held. */
static void tell_who_drains(struct read_pool *p)
{
	if (!pool_is_in_use(p) && p->growing)
		pthread_cond_broadcast(&p->pool_cond);
}

/* `txn` was reset, or is NULL. */
static void pool_leave(struct read_pool *p, MDB_txn *txn)
{
	pthread_mutex_lock(&p->pool_mtx);
	if (txn && p->idle_count < READ_POOL_IDLE_MAX) {
		p->idle[p->idle_count++] = txn;
		txn = NULL;
	}
	if (txn)
		pool_abort(p, txn);
	p->active--;
	tell_who_drains(p);
	pthread_mutex_unlock(&p->pool_mtx);
}

int read_pool_enter(struct read_pool *p)
{
	return pool_enter(p, true, NULL);
}

void read_pool_leave(struct read_pool *p)
{
	pool_leave(p, NULL);
}

int read_pool_begin_writing(struct read_pool *p, bool opening)
{
	int rc;

	pthread_mutex_lock(&p->pool_mtx);
	rc = p->shut == opening ? 0 : ERR_IO;
	if (!rc)
		rc = pool_soundness(p);
	p->writing = !rc;
	pthread_mutex_unlock(&p->pool_mtx);
	return rc;
}

void read_pool_end_writing(struct read_pool *p)
{
	pthread_mutex_lock(&p->pool_mtx);
	p->writing = false;
	tell_who_drains(p);
	pthread_mutex_unlock(&p->pool_mtx);
}

int read_pool_follow(struct read_pool *p, int64_t deadline)
{
	uint64_t bytes;
	size_t size;
	int rc = pool_enter(p, true, NULL);

	if (rc)
		return rc;
	size = environment_map_size(p->environment);
	bytes = environment_bytes(p->environment);
	pool_leave(p, NULL);
	while (size && size <= bytes && size <= MAP_MOST)
		size *= 2;
	return size <= bytes ? MDB_CORRUPTED : read_pool_resize(p, size, deadline);
}

/* Another process made the map larger. Within another transaction of this thread it
 * would be in vain to wait until there is none. */
static int follow_as_reader(struct read_pool *p, bool within)
{
	bool active;

	pthread_mutex_lock(&p->pool_mtx);
	active = p->active > 0;
	pthread_mutex_unlock(&p->pool_mtx);
	if (within && active)
		return ERR_BUSY;
	return read_pool_follow(p, clock_monotonic() + FOLLOW_WAIT);
}

/* On the thread of slots, where it may wait. It counts as active by itself: whoever
 * wanted it may have gone, and the map must not change under it. */
static int begin_with_slot(struct bounded_call *b, void *owner)
{
	struct read_pool *p = owner;
	struct begin_call c = {.env = NULL};
	MDB_txn **out;
	int rc = pool_enter(p, true, NULL);

	if (rc)
		return rc;
	c.env = p->environment->env;
	rc = guard_call(p->environment->guard, pool_call_begin, &c);
	out = bounded_call_enter(b);
	if (out && !rc) {
		*out = c.txn;
		c.txn = NULL;
	} else if (!rc) {
		guard_call(p->environment->guard, call_reset, c.txn);
	}
	pool_leave(p, rc ? NULL : c.txn);
	return rc;
}

static int begin_new(struct read_pool *p, MDB_txn **txn)
{
	if (bounded_call_is_stuck(p->slots))
		return ERR_TIMEOUT;
	return bounded_call_run(
		p->slots, clock_monotonic() + SLOT_WAIT, begin_with_slot, txn);
}

static int begin_again(struct read_pool *p, MDB_txn *txn)
{
	struct begin_call c = {.txn = txn};

	return guard_call(p->environment->guard, pool_call_begin, &c);
}

/* One try. The transaction is active from here on when it was begun. */
static int begin_once(struct read_pool *p, bool within, MDB_txn **out)
{
	MDB_txn *txn = NULL;
	int rc = pool_enter(p, within, &txn);

	if (rc)
		return rc;
	rc = txn ? begin_again(p, txn) : begin_new(p, &txn);
	if (!rc) {
		*out = txn;
		return 0;
	}
	if (txn)
		pool_abort(p, txn);
	pool_leave(p, NULL);
	return rc;
}

int read_pool_begin(struct read_pool *p, bool within, MDB_txn **out)
{
	int rc = ERR_BUSY;

	for (unsigned i = 0; i < BEGIN_TRIES; i++) {
		rc = begin_once(p, within, out);
		if (rc == MDB_READERS_FULL)
			read_pool_check_readers(p);
		else if (rc != MDB_MAP_RESIZED)
			return rc;
		else if (follow_as_reader(p, within))
			return ERR_BUSY;
	}
	return rc == MDB_MAP_RESIZED ? ERR_BUSY : rc;
}

void read_pool_end(struct read_pool *p, MDB_txn *txn)
{
	guard_call(p->environment->guard, call_reset, txn);
	pool_leave(p, txn);
}

static int pool_call_check_readers(void *arg)
{
	int dead = 0;

	mdb_reader_check(arg, &dead);
	return dead;
}

/* On the thread of slots; *arg: how many. */
static int check_readers(struct bounded_call *b, void *owner)
{
	struct read_pool *p = owner;
	int dead, rc = pool_enter(p, true, NULL);
	int *out;

	if (rc)
		return rc;
	dead = guard_call(
		p->environment->guard, pool_call_check_readers, p->environment->env);
	pool_leave(p, NULL);
	out = bounded_call_enter(b);
	if (out)
		*out = dead;
	return 0;
}

unsigned read_pool_check_readers(struct read_pool *p)
{
	int dead = 0;

	if (bounded_call_is_stuck(p->slots) ||
		bounded_call_run(
			p->slots, clock_monotonic() + SLOT_WAIT, check_readers, &dead))
		return 0;
	return dead > 0 ? (unsigned)dead : 0;
}

void read_pool_admit(struct read_pool *p)
{
	pthread_mutex_lock(&p->pool_mtx);
	p->shut = false;
	pthread_mutex_unlock(&p->pool_mtx);
}

int read_pool_shut(struct read_pool *p, int64_t deadline)
{
	int rc = 0;

	pthread_mutex_lock(&p->pool_mtx);
	if (pool_drain(p, deadline)) {
		p->shut = true;
		while (p->idle_count)
			pool_abort(p, p->idle[--p->idle_count]);
		environment_close(p->environment);
	} else {
		rc = ERR_BUSY;
	}
	p->growing = false;
	pthread_cond_broadcast(&p->pool_cond);
	pthread_mutex_unlock(&p->pool_mtx);
	return rc;
}
