/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/meta/metadata.h"
#include "cache/meta/write_lock.h"
#include "util/clock.h"
#include "util/timed_wait.h"

#define MAP_START (sizeof(size_t) > 4 ? (size_t)1 << 30 : (size_t)1 << 27)
#define MAP_MAX (sizeof(size_t) > 4 ? (size_t)(UINT64_C(1) << 42) : (size_t)1 << 30)
#define READERS_MAX 1024
#define READERS_SIZE (READERS_MAX * 64 + 1024) /* a cache line each, and LMDB's head */
#define IDLE_MAX 64
#define GROW_TRIES 200
#define GROW_WAIT_MS 50 /* newcomers are held off at most so long at a time */
#define WRITE_TRIES 40
#define OPEN_WAIT (30 * NS_PER_SECOND) /* for whoever writes while we come */

struct metadata {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	struct log *log;
	struct write_lock write_lock;
	pthread_mutex_t write_mtx;
	bool full; /* write_mtx: the transaction met MDB_MAP_FULL */
	pthread_mutex_t pool_mtx;
	pthread_cond_t pool_cond; /* nobody is active, or growing is over */
	MDB_txn *idle[IDLE_MAX];  /* pool_mtx, as all below */
	unsigned idle_count;
	unsigned active;
	bool growing;
};

int metadata_error(struct metadata *m, int rc)
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
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return ERR_CORRUPT;
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE:
		return ERR_LIMIT;
	default:
		return rc > 0 ? error_from_errno(rc) : ERR_IO;
	}
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

/* write_mtx is held. `size` 0: what another process made of it. */
static int map_resize(struct metadata *m, size_t size)
{
	int rc;

	pthread_mutex_lock(&m->pool_mtx);
	m->growing = true;
	if (pool_drain(m))
		rc = metadata_error(m, mdb_env_set_mapsize(m->env, size));
	else
		rc = ERR_BUSY;
	m->growing = false;
	pthread_cond_broadcast(&m->pool_cond);
	pthread_mutex_unlock(&m->pool_mtx);
	return rc;
}

static int map_grow(struct metadata *m)
{
	MDB_envinfo info;

	mdb_env_info(m->env, &info);
	if (info.me_mapsize > MAP_MAX / 2)
		return ERR_NO_SPACE;
	return map_resize(m, info.me_mapsize * 2);
}

static MDB_txn *pool_enter(struct metadata *m, bool within)
{
	MDB_txn *txn = NULL;

	pthread_mutex_lock(&m->pool_mtx);
	while (m->growing && !within)
		pthread_cond_wait(&m->pool_cond, &m->pool_mtx);
	m->active++;
	if (m->idle_count)
		txn = m->idle[--m->idle_count];
	pthread_mutex_unlock(&m->pool_mtx);
	return txn;
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
		mdb_txn_abort(txn);
	if (--m->active == 0 && m->growing)
		pthread_cond_broadcast(&m->pool_cond);
	pthread_mutex_unlock(&m->pool_mtx);
}

/* Another process made the map larger. Within another transaction of this thread it
 * would be in vain to wait until there is none. */
static int map_follow(struct metadata *m, bool within)
{
	bool active;
	int rc = ERR_BUSY;

	pthread_mutex_lock(&m->pool_mtx);
	active = m->active > 0;
	pthread_mutex_unlock(&m->pool_mtx);
	if (within && active)
		return rc;
	pthread_mutex_lock(&m->write_mtx);
	rc = map_resize(m, 0);
	pthread_mutex_unlock(&m->write_mtx);
	return rc;
}

static int read_begin(struct metadata *m, bool within, MDB_txn **out)
{
	int rc = ERR_BUSY;

	for (unsigned i = 0; i < 3; i++) {
		MDB_txn *txn = pool_enter(m, within);

		rc = txn ? mdb_txn_renew(txn)
			 : mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn);
		if (!rc) {
			*out = txn;
			return 0;
		}
		if (txn)
			mdb_txn_abort(txn);
		pool_leave(m, NULL);
		if (rc == MDB_MAP_RESIZED) {
			if (map_follow(m, within))
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

void metadata_read_end(struct metadata *m, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	pool_leave(m, txn);
}

/* One try; *again when the map has changed. */
static int write_once(struct metadata *m, metadata_fn apply, void *arg, bool *again)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(m->env, NULL, 0, &txn);

	if (rc == MDB_MAP_RESIZED) {
		*again = true;
		return map_resize(m, 0);
	}
	if (rc)
		return metadata_error(m, rc);
	m->full = false;
	rc = apply(txn, arg);
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = metadata_error(m, mdb_txn_commit(txn));
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

int metadata_write_locked(struct metadata *m, metadata_fn apply, void *arg)
{
	bool again = true;
	int rc = 0;

	pthread_mutex_lock(&m->write_mtx);
	for (unsigned i = 0; again && !rc && i < WRITE_TRIES; i++) {
		again = false;
		rc = write_once(m, apply, arg, &again);
	}
	pthread_mutex_unlock(&m->write_mtx);
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

int metadata_sync(struct metadata *m)
{
	return metadata_error(m, mdb_env_sync(m->env, 1));
}

void metadata_check_readers(struct metadata *m)
{
	int dead = 0;

	mdb_reader_check(m->env, &dead);
	if (dead)
		log_debug(m->log, "cache: freed the slots of %d dead readers", dead);
}

MDB_dbi metadata_table(struct metadata *m, enum table table)
{
	return m->tables[table];
}

static unsigned page_size(struct metadata *m)
{
	MDB_stat stat;

	mdb_env_stat(m->env, &stat);
	return stat.ms_psize;
}

uint64_t metadata_bytes(struct metadata *m)
{
	MDB_envinfo info;

	mdb_env_info(m->env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * page_size(m);
}

/* LMDB's table 0 maps a transaction to the pages it freed: a count, then the numbers. It
 * can be read only in a read transaction. */
uint64_t metadata_free_bytes(struct metadata *m)
{
	MDB_cursor *cursor;
	MDB_txn *txn = NULL;
	MDB_val k, v;
	uint64_t pages = 0;
	size_t count;

	if (metadata_read_within(m, &txn))
		return 0;
	if (mdb_cursor_open(txn, 0, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
			if (v.mv_size < sizeof count)
				continue;
			memcpy(&count, v.mv_data, sizeof count);
			if (count < v.mv_size / sizeof count)
				pages += count;
		}
		mdb_cursor_close(cursor);
	}
	metadata_read_end(m, txn);
	return pages * page_size(m);
}

/* A file that ends before the last page in use would be a SIGBUS; zeros in place of what
 * was cut off are noticed as corrupt. (LMDB itself may leave a last page unwritten.) In a
 * write transaction, so that nobody makes it longer meanwhile: it is never cut. */
static int check_length(struct metadata *m)
{
	uint64_t size = metadata_bytes(m);
	struct stat st;
	int fd;

	if (mdb_env_get_fd(m->env, &fd) || fstat(fd, &st))
		return ERR_IO;
	if ((uint64_t)st.st_size >= size)
		return 0;
	return ftruncate(fd, (off_t)size) ? error_from_errno(errno) : 0;
}

static int prepare(MDB_txn *txn, void *arg)
{
	static const char *const names[TABLE_COUNT] = {
		[TABLE_SETTINGS] = "settings",
		[TABLE_PAGES] = "pages",
		[TABLE_OBJECTS] = "objects",
		[TABLE_CHUNKS] = "chunks",
		[TABLE_PLACES] = "places",
		[TABLE_USE] = "use",
		[TABLE_PURGE] = "purge",
		[TABLE_VICTIMS] = "victims",
		[TABLE_LEASES] = "leases",
		[TABLE_DATASETS] = "datasets",
		[TABLE_URLS] = "urls",
		[TABLE_PINS] = "pins",
		[TABLE_PINNED] = "pinned",
	};
	struct metadata *m = arg;
	int rc = check_length(m);

	for (unsigned i = 0; i < TABLE_COUNT && !rc; i++) {
		int error = mdb_dbi_open(txn, names[i], MDB_CREATE, &m->tables[i]);

		rc = error == MDB_INCOMPATIBLE ? ERR_CORRUPT : metadata_error(m, error);
	}
	return rc;
}

static int configure(struct metadata *m, size_t map)
{
	int rc = mdb_env_create(&m->env);

	if (!rc)
		rc = mdb_env_set_maxdbs(m->env, TABLE_COUNT);
	if (!rc)
		rc = mdb_env_set_maxreaders(m->env, READERS_MAX);
	if (!rc)
		rc = mdb_env_set_mapsize(m->env, map ? map : MAP_START);
	return rc;
}

/* LMDB maps its table of readers as a file with holes: on a disk that is full, the first
 * touch of one would be a SIGBUS. The table of an environment in use keeps its size. */
static int reserve_readers(const char *path)
{
	int rc = 0;
#ifdef HAVE_FALLOCATE
	struct stat st;
	char *name;
	int fd;

	if (asprintf(&name, "%s/lock.mdb", path) < 0)
		return ENOMEM;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(name);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0 ||
		fallocate(fd, 0, 0, st.st_size > 0 ? st.st_size : READERS_SIZE) != 0)
		rc = errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
	close(fd);
#else
	(void)path;
#endif
	return rc;
}

static int metadata_open_environment(
	struct metadata *m, const char *path, size_t map, struct trouble *t)
{
	int rc = configure(m, map), error;

	if (!rc)
		rc = write_lock_open(&m->write_lock, path);
	if (!rc)
		rc = reserve_readers(path);
	if (!rc)
		rc = mdb_env_open(m->env, path, MDB_NOMETASYNC | MDB_NOTLS, 0600);
	if (rc)
		return trouble_set(t, metadata_error(m, rc),
			"cannot open the cache's metadata %s: %s%s", path, mdb_strerror(rc),
			rc == ENOSPC ? "; make room there, or put the cache elsewhere with "
				       "--cache"
				     : "");
	metadata_check_readers(m);
	error = metadata_write(m, clock_monotonic() + OPEN_WAIT, prepare, m);
	if (error)
		trouble_set(t, error, "cannot use the cache's metadata %s: %s", path,
			error == ERR_TIMEOUT
				? "another process that uses it is stopped or slow"
				: error_text(error));
	return error;
}

int metadata_open(const char *path, size_t map, struct log *log, struct metadata **out,
	struct trouble *t)
{
	struct metadata *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	m->log = log;
	write_lock_init(&m->write_lock);
	pthread_mutex_init(&m->write_mtx, NULL);
	pthread_mutex_init(&m->pool_mtx, NULL);
	timed_wait_init(&m->pool_cond);
	rc = metadata_open_environment(m, path, map, t);
	if (rc)
		metadata_close(m);
	else
		*out = m;
	return rc;
}

void metadata_close(struct metadata *m)
{
	if (!m)
		return;
	assert(m->active == 0);
	for (unsigned i = 0; i < m->idle_count; i++)
		mdb_txn_abort(m->idle[i]);
	if (m->env)
		mdb_env_close(m->env);
	pthread_cond_destroy(&m->pool_cond);
	pthread_mutex_destroy(&m->pool_mtx);
	pthread_mutex_destroy(&m->write_mtx);
	write_lock_release(&m->write_lock);
	free(m);
}
