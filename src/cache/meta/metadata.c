/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/meta/metadata.h"
#include "cache/meta/write_lock.h"
#include "util/clock.h"
#include "util/timed_wait.h"

#define MAP_START (sizeof(size_t) > 4 ? (size_t)1 << 30 : (size_t)1 << 27)
#define MAP_MAX (sizeof(size_t) > 4 ? (size_t)(UINT64_C(1) << 42) : (size_t)1 << 30)
#define IDLE_MAX 64
#define GROW_TRIES 200
#define GROW_WAIT_MS 50 /* newcomers are held off at most so long at a time */
#define WRITE_TRIES 40
#define OPEN_WAIT (30 * NS_PER_SECOND) /* for whoever writes while we come */

struct metadata {
	struct environment environment;
	struct log *log;
	char *path, *lock; /* the directory; in it, the file of write_lock */
	size_t map;	   /* to begin with */
	atomic_bool lost;
	struct write_lock write_lock;
	pthread_mutex_t write_mtx;
	bool full; /* write_mtx: the transaction met MDB_MAP_FULL */
	pthread_mutex_t pool_mtx;
	pthread_cond_t pool_cond; /* nobody is active, or growing is over */
	MDB_txn *idle[IDLE_MAX];  /* pool_mtx, as all below */
	unsigned idle_count;
	unsigned active;
	bool growing;
	bool shut; /* written with write_mtx too */
};

int metadata_damaged(struct metadata *m)
{
	guard_damaged(m->environment.guard);
	return ERR_CORRUPT;
}

enum metadata_state metadata_state(struct metadata *m)
{
	if (!guard_is_sound(m->environment.guard))
		return METADATA_DAMAGED;
	return atomic_load_explicit(&m->lost, memory_order_acquire) ? METADATA_LOST
								    : METADATA_SOUND;
}

enum metadata_state metadata_look(struct metadata *m)
{
	if (guard_is_sound(m->environment.guard) && guard_is_marked(m->environment.guard))
		metadata_damaged(m);
	return metadata_state(m);
}

static int error_of_state(enum metadata_state state)
{
	return state == METADATA_SOUND ? 0 : state == METADATA_LOST ? ERR_IO : ERR_CORRUPT;
}

/* What LMDB says of its file, in words that it has for that or in others. */
static int metadata_error(struct metadata *m, int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return ERR_ABSENT;
	case MDB_KEYEXIST:
		return ERR_EXISTS;
	case MDB_MAP_FULL:
		m->full = true; /* only writers can meet it, and they hold write_mtx */
		return ERR_NO_SPACE;
	case MDB_READERS_FULL:
		return ERR_BUSY;
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE:
		return ERR_LIMIT;
	case MDB_VERSION_MISMATCH: /* who has it open is of another LMDB */
		return ERR_CORRUPT;
	case MDB_BAD_TXN:   /* after an error that was told */
	case MDB_BAD_RSLOT: /* the table of readers is another file */
		return ERR_IO;
	case MDB_PANIC:
		atomic_store(&m->lost, true);
		return ERR_IO;
	default:
		return rc > 0 ? error_from_errno(rc) : metadata_damaged(m);
	}
}

int metadata_call(struct metadata *m, guard_fn call, void *arg)
{
	return metadata_error(m, guard_call(m->environment.guard, call, arg));
}

/* pool_mtx is held. Waits for the transactions of this process to end, with newcomers
 * held off: for a while at a time only, lest one of them holds what others wait for. */
static bool pool_drain(struct metadata *m)
{
	for (unsigned i = 0; i < GROW_TRIES && m->active; i++) {
		m->growing = true;
		timed_wait(&m->pool_cond, &m->pool_mtx, GROW_WAIT_MS);
		if (!m->active)
			break;
		m->growing = false;
		pthread_cond_broadcast(&m->pool_cond);
		timed_wait(&m->pool_cond, &m->pool_mtx, 1);
	}
	return m->active == 0;
}

/* write_mtx is held. */
static int map_resize(struct metadata *m, size_t size)
{
	int rc;

	pthread_mutex_lock(&m->pool_mtx);
	m->growing = true;
	if (pool_drain(m))
		rc = metadata_error(m, environment_resize(&m->environment, size));
	else
		rc = ERR_BUSY;
	m->growing = false;
	pthread_cond_broadcast(&m->pool_cond);
	pthread_mutex_unlock(&m->pool_mtx);
	return rc;
}

/* write_mtx is held. */
static int map_grow(struct metadata *m)
{
	size_t size = environment_map_size(&m->environment);

	if (size > environment_map_limit(MAP_MAX) / 2)
		return ERR_NO_SPACE;
	return map_resize(m, size * 2) ? ERR_NO_SPACE : 0;
}

/* write_mtx is held. Another process made the file larger than our map. */
static int map_follow(struct metadata *m)
{
	size_t size = environment_map_size(&m->environment);
	uint64_t bytes = environment_bytes(&m->environment);

	while (size && size <= bytes && size <= MAP_MAX / 2)
		size *= 2;
	if (size <= bytes)
		return metadata_damaged(m);
	return map_resize(m, size);
}

/* Counts us in, unless there is nothing to come into. Who does not come within another
 * transaction waits for a map that wants to grow. */
static int pool_enter(struct metadata *m, bool within, MDB_txn **out)
{
	int rc;

	pthread_mutex_lock(&m->pool_mtx);
	while (m->growing && !within)
		pthread_cond_wait(&m->pool_cond, &m->pool_mtx);
	rc = error_of_state(metadata_state(m));
	if (!rc && m->shut)
		rc = ERR_IO;
	if (!rc) {
		m->active++;
		if (out)
			*out = m->idle_count ? m->idle[--m->idle_count] : NULL;
	}
	pthread_mutex_unlock(&m->pool_mtx);
	return rc;
}

static int call_abort(void *arg)
{
	mdb_txn_abort(arg);
	return 0;
}

static void abort_txn(struct metadata *m, MDB_txn *txn)
{
	guard_call(m->environment.guard, call_abort, txn);
}

/* `txn` was reset, or is NULL. */
static void pool_leave(struct metadata *m, MDB_txn *txn)
{
	pthread_mutex_lock(&m->pool_mtx);
	if (txn && m->idle_count < IDLE_MAX) {
		m->idle[m->idle_count++] = txn;
		txn = NULL;
	}
	if (txn)
		abort_txn(m, txn);
	if (--m->active == 0 && m->growing)
		pthread_cond_broadcast(&m->pool_cond);
	pthread_mutex_unlock(&m->pool_mtx);
}

/* Within another transaction of this thread it would be in vain to wait until there is
 * none. */
static int follow_as_reader(struct metadata *m, bool within)
{
	bool active;
	int rc = ERR_BUSY;

	pthread_mutex_lock(&m->pool_mtx);
	active = m->active > 0;
	pthread_mutex_unlock(&m->pool_mtx);
	if (within && active)
		return rc;
	pthread_mutex_lock(&m->write_mtx);
	if (!m->shut)
		rc = map_follow(m);
	pthread_mutex_unlock(&m->write_mtx);
	return rc;
}

struct txn_call {
	MDB_env *env;
	MDB_txn *txn;
	unsigned flags;
};

static int call_begin(void *arg)
{
	struct txn_call *c = arg;

	if (c->txn)
		return mdb_txn_renew(c->txn);
	return mdb_txn_begin(c->env, NULL, c->flags, &c->txn);
}

static int read_begin(struct metadata *m, bool within, MDB_txn **out)
{
	int rc = 0, error;

	for (unsigned i = 0; i < 3; i++) {
		struct txn_call c = {.flags = MDB_RDONLY};

		error = pool_enter(m, within, &c.txn);
		if (error)
			return error;
		c.env = m->environment.env;
		rc = guard_call(m->environment.guard, call_begin, &c);
		if (!rc) {
			*out = c.txn;
			return 0;
		}
		if (c.txn)
			abort_txn(m, c.txn);
		pool_leave(m, NULL);
		if (rc == MDB_MAP_RESIZED) {
			if (follow_as_reader(m, within))
				return ERR_BUSY;
		} else if (rc == MDB_READERS_FULL) {
			metadata_check_readers(m);
		} else {
			break;
		}
	}
	return rc == MDB_MAP_RESIZED ? ERR_BUSY : metadata_error(m, rc);
}

int metadata_read(struct metadata *m, MDB_txn **out)
{
	return read_begin(m, false, out);
}

int metadata_read_within(struct metadata *m, MDB_txn **out)
{
	return read_begin(m, true, out);
}

static int call_reset(void *arg)
{
	mdb_txn_reset(arg);
	return 0;
}

void metadata_read_end(struct metadata *m, MDB_txn *txn)
{
	guard_call(m->environment.guard, call_reset, txn);
	pool_leave(m, txn);
}

static int call_commit(void *arg)
{
	return mdb_txn_commit(arg);
}

/* Ends the transaction one way or the other; one that was abandoned is left as it is. */
static int write_end(struct metadata *m, MDB_txn *txn, int rc)
{
	/* What was read may not have been so. */
	if (!rc && !guard_is_sound(m->environment.guard))
		rc = ERR_CORRUPT;
	if (!rc)
		return metadata_call(m, call_commit, txn);
	abort_txn(m, txn);
	return rc;
}

/* One try; *again when the map has changed. */
static int write_once(struct metadata *m, metadata_fn apply, void *arg, bool *again)
{
	struct guard *guard = m->environment.guard;
	struct txn_call c = {.env = m->environment.env};
	int rc;

	guard_write_begin(guard);
	rc = guard_call(guard, call_begin, &c);
	if (rc == MDB_MAP_RESIZED) {
		guard_write_end(guard);
		*again = true;
		return map_follow(m);
	}
	m->full = false;
	rc = rc ? metadata_error(m, rc) : write_end(m, c.txn, apply(c.txn, arg));
	guard_write_end(guard);
	if (rc && m->full) {
		*again = true;
		rc = map_grow(m);
	}
	return rc;
}

int metadata_lock(struct metadata *m, int64_t deadline)
{
	return write_lock_take(&m->write_lock, deadline);
}

void metadata_unlock(struct metadata *m)
{
	write_lock_give(&m->write_lock);
}

/* write_mtx is held. Who abandoned the environment in the middle of a write holds LMDB's
 * lock for ever: who comes after looks for the mark first. */
static int write_tries(struct metadata *m, metadata_fn apply, void *arg)
{
	bool again = true;
	int rc = error_of_state(metadata_look(m));

	for (unsigned i = 0; again && !rc && i < WRITE_TRIES; i++) {
		again = false;
		rc = write_once(m, apply, arg, &again);
	}
	return !rc && again ? ERR_BUSY : rc;
}

int metadata_write_locked(struct metadata *m, metadata_fn apply, void *arg)
{
	int rc;

	pthread_mutex_lock(&m->write_mtx);
	rc = m->shut ? ERR_IO : write_tries(m, apply, arg);
	pthread_mutex_unlock(&m->write_mtx);
	return rc;
}

int metadata_write(struct metadata *m, int64_t deadline, metadata_fn apply, void *arg)
{
	int rc = metadata_lock(m, deadline);

	if (rc)
		return rc;
	rc = metadata_write_locked(m, apply, arg);
	metadata_unlock(m);
	return rc;
}

static int call_sync(void *arg)
{
	return mdb_env_sync(arg, 1);
}

int metadata_sync(struct metadata *m)
{
	int rc = pool_enter(m, true, NULL);

	if (rc)
		return rc;
	rc = metadata_call(m, call_sync, m->environment.env);
	pool_leave(m, NULL);
	return rc;
}

static int call_check_readers(void *arg)
{
	int dead = 0;

	mdb_reader_check(arg, &dead);
	return dead;
}

static void free_dead_readers(struct metadata *m)
{
	int dead = guard_call(m->environment.guard, call_check_readers, m->environment.env);

	if (dead > 0)
		log_debug(m->log, "cache: freed the slots of %d dead readers", dead);
}

void metadata_check_readers(struct metadata *m)
{
	if (pool_enter(m, true, NULL))
		return;
	free_dead_readers(m);
	pool_leave(m, NULL);
}

MDB_dbi metadata_table(struct metadata *m, enum table table)
{
	return m->environment.tables[table];
}

uint64_t metadata_bytes(struct metadata *m)
{
	uint64_t bytes;

	if (pool_enter(m, true, NULL))
		return 0;
	bytes = environment_bytes(&m->environment);
	pool_leave(m, NULL);
	return bytes;
}

static int prepare(MDB_txn *txn, void *arg)
{
	struct metadata *m = arg;

	return metadata_error(m, environment_prepare(&m->environment, txn));
}

static int prepare_environment(struct metadata *m)
{
	int rc = metadata_lock(m, clock_monotonic() + OPEN_WAIT);

	if (rc)
		return rc;
	pthread_mutex_lock(&m->write_mtx);
	rc = write_tries(m, prepare, m);
	pthread_mutex_unlock(&m->write_mtx);
	metadata_unlock(m);
	return rc;
}

static void admit(struct metadata *m)
{
	pthread_mutex_lock(&m->write_mtx);
	pthread_mutex_lock(&m->pool_mtx);
	m->shut = false;
	pthread_mutex_unlock(&m->pool_mtx);
	pthread_mutex_unlock(&m->write_mtx);
}

/* Nobody is in it before it has its tables: it may have to be closed until then. */
static int open_failed(struct metadata *m, int rc, struct trouble *t)
{
	if (rc == EBUSY)
		return trouble_set(t, ERR_BUSY,
			"a process with this one's number, %d, has the cache's metadata %s "
			"open in another container, and the two cannot be told apart: give "
			"each container a cache of its own, or one process namespace to "
			"all",
			(int)getpid(), m->path);
	return trouble_set(t, metadata_error(m, rc),
		"cannot open the cache's metadata %s: %s%s", m->path, mdb_strerror(rc),
		rc == ENOSPC ? "; make room there, or put the cache elsewhere with "
			       "--cache"
			     : "");
}

static int open_environment(struct metadata *m, struct trouble *t)
{
	int rc = environment_open(&m->environment, m->path, m->map), error;

	if (!rc)
		rc = write_lock_open(&m->write_lock, m->lock);
	if (rc)
		return open_failed(m, rc, t);
	free_dead_readers(m);
	error = prepare_environment(m);
	if (error)
		return trouble_set(t, error, "cannot use the cache's metadata %s: %s",
			m->path,
			error == ERR_TIMEOUT
				? "another process that uses it is stopped or slow"
				: error_text(error));
	environment_find_map(&m->environment);
	admit(m);
	return 0;
}

int metadata_open(const char *path, size_t map, struct log *log, struct metadata **out,
	struct trouble *t)
{
	struct metadata *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	m->log = log;
	m->map = map ? map : MAP_START;
	m->shut = true;
	write_lock_init(&m->write_lock);
	pthread_mutex_init(&m->write_mtx, NULL);
	pthread_mutex_init(&m->pool_mtx, NULL);
	timed_wait_init(&m->pool_cond);
	m->path = strdup(path);
	if (!m->path || asprintf(&m->lock, "%s/write.lock", path) < 0) {
		m->lock = NULL;
		rc = ERR_NO_MEMORY;
	} else {
		rc = guard_new(path, &m->environment.guard);
	}
	if (rc)
		trouble_set(t, rc, "cannot open the cache's metadata %s: %s", path,
			error_text(rc));
	else
		rc = open_environment(m, t);
	if (rc)
		metadata_close(m);
	else
		*out = m;
	return rc;
}

/* Nobody is in it, and nobody may come. */
static void close_environment(struct metadata *m)
{
	while (m->idle_count)
		abort_txn(m, m->idle[--m->idle_count]);
	environment_close(&m->environment);
}

int metadata_shut(struct metadata *m)
{
	int rc = 0;

	pthread_mutex_lock(&m->write_mtx);
	pthread_mutex_lock(&m->pool_mtx);
	m->growing = true;
	if (pool_drain(m))
		m->shut = true;
	else
		rc = ERR_BUSY;
	m->growing = false;
	pthread_cond_broadcast(&m->pool_cond);
	pthread_mutex_unlock(&m->pool_mtx);
	if (!rc)
		close_environment(m);
	pthread_mutex_unlock(&m->write_mtx);
	return rc;
}

int metadata_reopen(struct metadata *m, struct trouble *t)
{
	int rc = guard_renew(m->environment.guard, m->path);

	if (rc)
		return trouble_set(t, rc, "cannot open the cache's metadata %s: %s",
			m->path, error_text(rc));
	atomic_store(&m->lost, false);
	rc = open_environment(m, t);
	if (rc)
		close_environment(m);
	return rc;
}

void metadata_close(struct metadata *m)
{
	if (!m)
		return;
	assert(m->active == 0);
	close_environment(m);
	guard_free(m->environment.guard);
	pthread_cond_destroy(&m->pool_cond);
	pthread_mutex_destroy(&m->pool_mtx);
	pthread_mutex_destroy(&m->write_mtx);
	write_lock_release(&m->write_lock);
	free(m->path);
	free(m->lock);
	free(m);
}
