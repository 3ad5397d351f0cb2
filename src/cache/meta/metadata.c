/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/meta/metadata.h"
#include "cache/meta/read_pool.h"
#include "cache/meta/write_lock.h"
#include "util/bounded_call.h"
#include "util/clock.h"
#include "util/file_lock.h"

#define MAP_START (sizeof(size_t) > 4 ? (size_t)1 << 30 : (size_t)1 << 27)
#define MAP_MAX (sizeof(size_t) > 4 ? (size_t)(UINT64_C(1) << 42) : (size_t)1 << 30)
#define WRITE_TRIES 40
#define LEAST_WAIT (2 * NS_PER_SECOND) /* for LMDB's own lock, once ours is held */
#define SHUT_WAIT (10 * NS_PER_SECOND)
#define DISK_FULL ((uint64_t)1 << 20) /* bytes left, or less */

struct metadata {
	struct environment environment;
	struct log *log;
	char *path, *lock; /* the directory; in it, the file of write_lock ... */
	char *readers;	   /* ... and LMDB's, which all have locked who have it open */
	size_t map;	   /* to begin with */
	struct write_lock write_lock;
	int64_t deadline;	     /* of who holds it */
	bool opening;		     /* who holds it makes the tables */
	bool full;		     /* the write transaction met MDB_MAP_FULL */
	struct bounded_call *writes; /* the thread of write transactions */
	struct bounded_call *slots;
	struct read_pool pool;
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
	return atomic_load_explicit(&m->pool.lost, memory_order_acquire) ? METADATA_LOST
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

static bool disk_is_full(const struct metadata *m)
{
	struct statvfs st;

	return statvfs(m->path, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize < DISK_FULL;
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
		m->full = true; /* only the thread that writes can meet it */
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
		atomic_store(&m->pool.lost, true);
		return ERR_IO;
	case EIO: /* what LMDB says when less was written than it wanted, too */
		return disk_is_full(m) ? ERR_NO_SPACE : ERR_IO;
	default:
		if (rc < 0 && rc >= ERR_LEAST)
			return rc; /* it is one of ours */
		return rc > 0 ? error_from_errno(rc) : metadata_damaged(m);
	}
}

int metadata_call(struct metadata *m, guard_fn call, void *arg)
{
	return metadata_error(m, guard_call(m->environment.guard, call, arg));
}

static int map_grow(struct metadata *m, int64_t deadline)
{
	size_t size = environment_map_size(&m->environment);

	if (size > environment_map_limit(MAP_MAX) / 2)
		return ERR_NO_SPACE;
	return metadata_error(m, read_pool_resize(&m->pool, size * 2, deadline))
		       ? ERR_NO_SPACE
		       : 0;
}

int metadata_read(struct metadata *m, MDB_txn **out)
{
	return metadata_error(m, read_pool_begin(&m->pool, false, out));
}

int metadata_read_within(struct metadata *m, MDB_txn **out)
{
	return metadata_error(m, read_pool_begin(&m->pool, true, out));
}

void metadata_read_end(struct metadata *m, MDB_txn *txn)
{
	read_pool_end(&m->pool, txn);
}

static int call_commit(void *arg)
{
	return mdb_txn_commit(arg);
}

static int call_abort(void *arg)
{
	mdb_txn_abort(arg);
	return 0;
}

struct write_begin {
	MDB_env *env;
	MDB_txn *txn;
};

static int call_begin(void *arg)
{
	struct write_begin *w = arg;

	return mdb_txn_begin(w->env, NULL, 0, &w->txn);
}

/* No file is so long: LMDB was told of a free page that is none. */
static bool is_out_of_any_file(int rc)
{
	struct rlimit limit;

	return rc == EINVAL || (rc == EFBIG && !getrlimit(RLIMIT_FSIZE, &limit) &&
				       limit.rlim_cur == RLIM_INFINITY);
}

static int commit(struct metadata *m, MDB_txn *txn)
{
	int rc = guard_call(m->environment.guard, call_commit, txn);

	return metadata_error(m, is_out_of_any_file(rc) ? MDB_CORRUPTED : rc);
}

/* Ends the transaction one way or the other; one that was abandoned is left as it is. */
static int write_end(struct metadata *m, MDB_txn *txn, int rc)
{
	/* What was read may not have been so. */
	if (!rc && !guard_is_sound(m->environment.guard))
		rc = ERR_CORRUPT;
	if (!rc)
		return commit(m, txn);
	guard_call(m->environment.guard, call_abort, txn);
	return rc;
}

struct write_call {
	metadata_fn apply;
	void *arg;
	bool resized; /* by another process: before anything was done */
	bool full;    /* the map was too small for all of it */
};

static int write_begun(struct metadata *m, MDB_txn *txn, struct write_call *call)
{
	int rc;

	m->full = false;
	rc = write_end(m, txn, call->apply(txn, call->arg));
	call->full = rc && m->full;
	return rc;
}

/* On the thread that writes, where LMDB's lock may keep it waiting. */
static int write_now(struct bounded_call *b, void *owner)
{
	struct metadata *m = owner;
	struct guard *guard = m->environment.guard;
	struct write_begin w = {.txn = NULL};
	struct write_call *call;
	int rc = read_pool_begin_writing(&m->pool, m->opening);

	if (rc)
		return rc;
	w.env = m->environment.env;
	guard_write_begin(guard);
	rc = guard_call(guard, call_begin, &w);
	call = bounded_call_enter(b);
	if (call && !rc)
		rc = write_begun(m, w.txn, call);
	else if (!rc)
		guard_call(guard, call_abort, w.txn);
	else if (call)
		call->resized = rc == MDB_MAP_RESIZED;
	guard_write_end(guard);
	read_pool_end_writing(&m->pool);
	return rc;
}

/* One try; *again when the map has changed. */
static int write_once(
	struct metadata *m, int64_t deadline, struct write_call *call, bool *again)
{
	int rc;

	call->resized = call->full = false;
	rc = bounded_call_run(m->writes, deadline, write_now, call);
	*again = call->resized || call->full;
	if (call->resized)
		rc = read_pool_follow(&m->pool, deadline);
	else if (call->full)
		rc = map_grow(m, deadline);
	return metadata_error(m, rc);
}

int metadata_lock(struct metadata *m, int64_t deadline)
{
	int rc = write_lock_take(&m->write_lock, deadline);

	if (!rc)
		m->deadline = deadline;
	return rc;
}

void metadata_unlock(struct metadata *m)
{
	write_lock_give(&m->write_lock);
}

/* Who abandoned the environment in the middle of a write holds LMDB's lock for ever: who
 * comes after looks for the mark first. */
int metadata_write_locked(struct metadata *m, metadata_fn apply, void *arg)
{
	struct write_call call = {.apply = apply, .arg = arg};
	int64_t least = clock_monotonic() + LEAST_WAIT;
	int64_t deadline = m->deadline > least ? m->deadline : least;
	bool again = true;
	int rc = error_of_state(metadata_look(m));

	for (unsigned i = 0; again && !rc && i < WRITE_TRIES; i++)
		rc = write_once(m, deadline, &call, &again);
	return !rc && again ? ERR_BUSY : rc;
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
	int rc = read_pool_enter(&m->pool);

	if (rc)
		return rc;
	rc = metadata_call(m, call_sync, m->environment.env);
	read_pool_leave(&m->pool);
	return rc;
}

void metadata_check_readers(struct metadata *m)
{
	unsigned dead = read_pool_check_readers(&m->pool);

	if (dead)
		log_debug(m->log, "cache: freed the slots of %u dead readers", dead);
}

MDB_dbi metadata_table(struct metadata *m, enum table table)
{
	return m->environment.tables[table];
}

uint64_t metadata_bytes(struct metadata *m)
{
	uint64_t bytes;

	if (read_pool_enter(&m->pool))
		return 0;
	bytes = environment_bytes(&m->environment);
	read_pool_leave(&m->pool);
	return bytes;
}

int metadata_file(struct metadata *m, int *fd, uint64_t *transaction)
{
	int rc = read_pool_enter(&m->pool);

	if (rc)
		return metadata_error(m, rc);
	if (!environment_file(&m->environment, fd, transaction))
		rc = ERR_IO;
	read_pool_leave(&m->pool);
	return rc;
}

static int prepare(MDB_txn *txn, void *arg)
{
	struct metadata *m = arg;

	return metadata_error(m, environment_prepare(&m->environment, txn));
}

static int call_check_readers(void *arg)
{
	int dead = 0;

	mdb_reader_check(arg, &dead);
	return dead > 0 ? dead : 0;
}

/* On the thread that writes: to open waits for whoever else opens or closes, and a look at
 * it for whoever takes a slot. *arg: is all prepared? */
static int open_now(struct bounded_call *b, void *owner)
{
	struct metadata *m = owner;
	struct environment *e = &m->environment;
	bool *out, prepared = false;
	int rc = read_pool_begin_writing(&m->pool, true);

	if (!rc)
		rc = environment_open(e, m->path, m->map);
	if (!rc) {
		guard_call(e->guard, call_check_readers, e->env);
		prepared = environment_is_prepared(e);
		if (prepared)
			read_pool_find_map(&m->pool);
	}
	read_pool_end_writing(&m->pool);
	out = bounded_call_enter(b);
	if (out)
		*out = prepared;
	return rc;
}

/* The same, for an environment that was prepared only now. */
static int find_map_now(struct bounded_call *b, void *owner)
{
	struct metadata *m = owner;
	int rc = read_pool_begin_writing(&m->pool, true);

	if (rc)
		return rc;
	read_pool_find_map(&m->pool);
	read_pool_end_writing(&m->pool);
	(void)bounded_call_enter(b);
	return 0;
}

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
		"cannot open the cache's metadata %s: %s%s", m->path,
		rc < 0 && rc >= ERR_LEAST ? error_text(rc) : mdb_strerror(rc),
		rc == ENOSPC ? "; make room there, or put the cache elsewhere with "
			       "--cache"
			     : "");
}

/* Where no cairn is in the way, it is something else that uses LMDB. */
const char *metadata_blame(struct metadata *m, char text[FILE_LOCK_BLAME_SIZE])
{
	if (!file_lock_blame(m->lock, text))
		file_lock_blame_stopped(m->readers, text);
	return text;
}

static int refuse_held(struct metadata *m, struct trouble *t)
{
	char blame[FILE_LOCK_BLAME_SIZE];

	return trouble_set(t, ERR_TIMEOUT,
		"cannot use the cache's metadata %s: it is held by %s", m->path,
		metadata_blame(m, blame));
}

static int open_environment(
	struct metadata *m, int64_t deadline, bool *prepared, struct trouble *t)
{
	int rc = bounded_call_run(m->writes, deadline, open_now, prepared);

	if (rc == ERR_TIMEOUT)
		return refuse_held(m, t);
	if (!rc)
		rc = write_lock_open(&m->write_lock, m->lock);
	if (rc)
		return open_failed(m, rc, t);
	return 0;
}

static int prepare_environment(struct metadata *m, int64_t deadline)
{
	int rc = metadata_lock(m, deadline);

	if (rc)
		return rc;
	m->opening = true;
	rc = metadata_write_locked(m, prepare, m);
	m->opening = false;
	metadata_unlock(m);
	return rc ? rc : bounded_call_run(m->writes, deadline, find_map_now, m);
}

/* Nobody is in it before it has its tables: it may have to be closed until then. */
static int metadata_begin(struct metadata *m, int64_t deadline, struct trouble *t)
{
	bool prepared = false;
	int rc = open_environment(m, deadline, &prepared, t);

	if (rc)
		return rc;
	if (!prepared)
		rc = prepare_environment(m, deadline);
	if (rc == ERR_TIMEOUT)
		return refuse_held(m, t);
	if (rc)
		return trouble_set(t, rc, "cannot use the cache's metadata %s: %s", m->path,
			error_text(rc));
	read_pool_admit(&m->pool);
	return 0;
}

static int metadata_make_parts(struct metadata *m, const char *path)
{
	m->path = strdup(path);
	m->writes = bounded_call_new("cairn-books", m);
	m->slots = bounded_call_new("cairn-slots", &m->pool);
	read_pool_init(&m->pool, &m->environment, m->slots);
	if (asprintf(&m->lock, "%s/write.lock", path) < 0)
		m->lock = NULL;
	if (asprintf(&m->readers, "%s/lock.mdb", path) < 0)
		m->readers = NULL;
	if (!m->path || !m->lock || !m->readers || !m->writes || !m->slots)
		return ERR_NO_MEMORY;
	return guard_new(path, &m->environment.guard);
}

int metadata_open(const char *path, size_t map, int64_t deadline, struct log *log,
	struct metadata **out, struct trouble *t)
{
	struct metadata *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	m->log = log;
	m->map = map ? map : MAP_START;
	write_lock_init(&m->write_lock);
	rc = metadata_make_parts(m, path);
	if (rc)
		trouble_set(t, rc, "cannot open the cache's metadata %s: %s", path,
			error_text(rc));
	else
		rc = metadata_begin(m, deadline, t);
	if (rc)
		metadata_close(m);
	else
		*out = m;
	return rc;
}

int metadata_shut(struct metadata *m)
{
	return read_pool_shut(&m->pool, clock_monotonic() + SHUT_WAIT);
}

int metadata_reopen(struct metadata *m, int64_t deadline, struct trouble *t)
{
	int rc = guard_renew(m->environment.guard, m->path);

	if (rc)
		return trouble_set(t, rc, "cannot open the cache's metadata %s: %s",
			m->path, error_text(rc));
	atomic_store(&m->pool.lost, false);
	rc = metadata_begin(m, deadline, t);
	if (rc)
		read_pool_shut(&m->pool, clock_monotonic() + SHUT_WAIT);
	return rc;
}

void metadata_close(struct metadata *m)
{
	bool written, slots;

	if (!m)
		return;
	written = bounded_call_free(m->writes);
	slots = bounded_call_free(m->slots);
	/* LMDB waits for a stopped process: what it works on is left to it. */
	if (!written || !slots)
		return;
	read_pool_shut(&m->pool, clock_monotonic());
	read_pool_release(&m->pool);
	guard_free(m->environment.guard);
	write_lock_release(&m->write_lock);
	free(m->path);
	free(m->lock);
	free(m->readers);
	free(m);
}
