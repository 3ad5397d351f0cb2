/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/meta/environment.h"
#include "util/error.h"
#include "util/structure.h"

#define READERS_MAX 1024
#define MAP_LEAST ((size_t)4 << 20)
#define MAP_SHARE 4			       /* at most 1/4 of a limited address space */
#define READERS_SIZE (READERS_MAX * 64 + 1024) /* a cache line each, and LMDB's head */
#define MISSING_MOST ((uint64_t)256 << 20)     /* bytes of pages that LMDB left unwritten */

static const char *const names[TABLE_COUNT] = {
	[TABLE_SETTINGS] = "settings",
	[TABLE_PAGES] = "pages",
	[TABLE_OBJECTS] = "objects",
	[TABLE_CHUNKS] = "chunks",
	[TABLE_PLACES] = "places",
	[TABLE_USE] = "use",
	[TABLE_PURGE] = "purge",
	[TABLE_VICTIMS] = "victims",
	[TABLE_UNFLUSHED] = "unflushed",
	[TABLE_LEASES] = "leases",
	[TABLE_DATASETS] = "datasets",
	[TABLE_URLS] = "urls",
	[TABLE_PINS] = "pins",
	[TABLE_PINNED] = "pinned",
};

struct environment_numbers {
	MDB_env *env;
	MDB_envinfo info;
	MDB_stat stat;
};

static int call_numbers(void *arg)
{
	struct environment_numbers *n = arg;
	int rc = mdb_env_info(n->env, &n->info);

	return rc ? rc : mdb_env_stat(n->env, &n->stat);
}

/* All zero when they cannot be read. */
static struct environment_numbers numbers_of(struct environment *e)
{
	struct environment_numbers n = {.env = e->env};

	if (!e->env || guard_call(e->guard, call_numbers, &n))
		n = (struct environment_numbers){.env = NULL};
	return n;
}

uint64_t environment_bytes(struct environment *e)
{
	struct environment_numbers n = numbers_of(e);

	if (!n.env)
		return 0;
	if (n.info.me_last_pgno >= UINT64_MAX / n.stat.ms_psize)
		return UINT64_MAX; /* damaged */
	return ((uint64_t)n.info.me_last_pgno + 1) * n.stat.ms_psize;
}

bool environment_file(struct environment *e, int *fd, uint64_t *transaction)
{
	struct environment_numbers n = numbers_of(e);

	*transaction = n.info.me_last_txnid;
	return n.env && mdb_env_get_fd(n.env, fd) == 0;
}

size_t environment_map_size(struct environment *e)
{
	return numbers_of(e).info.me_mapsize;
}

unsigned environment_page_size(struct environment *e)
{
	return numbers_of(e).stat.ms_psize;
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

struct environment_opening {
	struct environment *e;
	const char *path;
	size_t map;
};

static int call_open(void *arg)
{
	struct environment_opening *o = arg;
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc)
		return rc;
	o->e->env = env;
	rc = mdb_env_set_assert(env, guard_assert);
	if (!rc)
		rc = mdb_env_set_maxdbs(env, TABLE_COUNT);
	if (!rc)
		rc = mdb_env_set_maxreaders(env, READERS_MAX);
	if (!rc)
		rc = mdb_env_set_mapsize(env, o->map);
	if (!rc)
		rc = mdb_env_open(env, o->path, MDB_NOMETASYNC | MDB_NOTLS, 0600);
	return rc;
}

static int call_close(void *arg)
{
	mdb_env_close(arg);
	return 0;
}

struct own_slots {
	int pid;
	unsigned count;
};

static int note_own(const char *line, void *arg)
{
	struct own_slots *own = arg;

	own->count += atoi(line) == own->pid;
	return 0;
}

/* The first read takes a lock on this process's number, which others ask for to see whether
 * it lives. One that cannot be had is another's, of another container. One that can be had
 * is nobody's; then slots with the number are of somebody who was killed, and *stale says
 * that there are some. */
struct pid_claim {
	MDB_env *env;
	bool stale;
};

static int call_claim(void *arg)
{
	struct pid_claim *c = arg;
	struct own_slots own = {getpid(), 0};
	MDB_txn *txn;
	int rc;

	mdb_reader_list(c->env, note_own, &own);
	rc = mdb_txn_begin(c->env, NULL, MDB_RDONLY, &txn);
	if (rc == EAGAIN || rc == EACCES) /* fcntl(2) of F_SETLK */
		return EBUSY;
	if (!rc)
		mdb_txn_abort(txn);
	c->stale = own.count > 0;
	return 0; /* whatever else it was, who reads meets it again */
}

size_t environment_map_limit(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return wanted;
	while (wanted > MAP_LEAST && wanted > limit.rlim_cur / MAP_SHARE)
		wanted /= 2;
	return wanted;
}

/* The map is halved until it can be had. */
static int open_with_map(struct environment_opening *o)
{
	struct environment *e = o->e;
	int rc = guard_call(e->guard, call_open, o);

	while (rc == ENOMEM && o->map > MAP_LEAST) {
		guard_call(e->guard, call_close, e->env);
		e->env = NULL;
		o->map /= 2;
		rc = guard_call(e->guard, call_open, o);
	}
	return rc;
}

/* To close it frees all slots of this process's number. */
static int open_and_claim(struct environment_opening *o)
{
	struct environment *e = o->e;
	struct pid_claim claim = {.stale = true};
	int rc = 0;

	for (unsigned i = 0; i < 2 && claim.stale && !rc; i++) {
		if (i > 0) {
			guard_call(e->guard, call_close, e->env);
			e->env = NULL;
		}
		rc = open_with_map(o);
		claim = (struct pid_claim){e->env, false};
		if (!rc)
			rc = guard_call(e->guard, call_claim, &claim);
	}
	return rc;
}

int environment_open(struct environment *e, const char *path, size_t map)
{
	struct environment_opening o = {e, path, environment_map_limit(map)};
	int rc = reserve_readers(path);

	if (rc)
		return rc;
	/* What it holds while it opens is not to be taken over. */
	guard_write_begin(e->guard);
	rc = open_and_claim(&o);
	guard_write_end(e->guard);
	/* LMDB maps all up to the last page, or what it takes for that. */
	if (rc == ENOMEM && structure_check_heads(path) == ERR_CORRUPT)
		rc = MDB_CORRUPTED;
	return rc;
}

void environment_close(struct environment *e)
{
	if (!e->env)
		return;
	guard_set_map(e->guard, NULL, 0);
	if (guard_is_abandoned(e->guard))
		guard_keep(e->env);
	else
		guard_call(e->guard, call_close, e->env);
	e->env = NULL;
}

/* Bytes by which the file ends before the last page in use; it may be that LMDB left one
 * unwritten. */
static uint64_t length_missing(struct environment *e)
{
	uint64_t size = environment_bytes(e);
	struct stat st;
	int fd;

	if (mdb_env_get_fd(e->env, &fd) || fstat(fd, &st) || (uint64_t)st.st_size > size)
		return 0;
	return size - (uint64_t)st.st_size;
}

/* Reading what was cut off would be a SIGBUS; zeros in its place are noticed as corrupt. In
 * a write transaction, so that nobody makes the file longer meanwhile: it is never cut. A
 * last page far behind the end is none. */
static int check_length(struct environment *e)
{
	uint64_t missing = length_missing(e);
	int fd;

	if (!missing)
		return 0;
	if (missing > MISSING_MOST)
		return MDB_CORRUPTED;
	if (mdb_env_get_fd(e->env, &fd) || ftruncate(fd, (off_t)environment_bytes(e)))
		return errno;
	return 0;
}

struct tables_opening {
	struct environment *e;
	MDB_txn *txn;
	unsigned flags;
};

static int call_open_tables(void *arg)
{
	struct tables_opening *o = arg;
	int rc = 0;

	for (unsigned i = 0; i < TABLE_COUNT && !rc; i++)
		rc = mdb_dbi_open(o->txn, names[i], o->flags, &o->e->tables[i]);
	return rc;
}

int environment_prepare(struct environment *e, MDB_txn *txn)
{
	struct tables_opening o = {e, txn, MDB_CREATE};
	int rc = check_length(e);

	return rc ? rc : guard_call(e->guard, call_open_tables, &o);
}

/* A handle lasts once its transaction is committed. */
static int call_look_for_tables(void *arg)
{
	struct tables_opening o = {.e = arg};
	int rc = mdb_txn_begin(o.e->env, NULL, MDB_RDONLY, &o.txn);

	if (rc)
		return rc;
	rc = call_open_tables(&o);
	if (!rc)
		return mdb_txn_commit(o.txn);
	mdb_txn_abort(o.txn);
	return rc;
}

bool environment_is_prepared(struct environment *e)
{
	return length_missing(e) == 0 && guard_call(e->guard, call_look_for_tables, e) == 0;
}

struct environment_sizing {
	MDB_env *env;
	size_t size;
};

static int call_resize(void *arg)
{
	struct environment_sizing *s = arg;

	return mdb_env_set_mapsize(s->env, s->size);
}

/* Is there so much more address space? */
static bool can_map(size_t more)
{
	void *map = mmap(
		NULL, more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return false;
	munmap(map, more);
	return true;
}

/* LMDB lets go of the old map first, and is lost when it does not get another. */
int environment_resize(struct environment *e, size_t size)
{
	struct environment_sizing s = {e->env, size};
	size_t old = environment_map_size(e);
	int rc;

	if (size > old && !can_map(size - old))
		return ENOMEM;
	guard_set_map(e->guard, NULL, 0);
	rc = guard_call(e->guard, call_resize, &s);
	return rc ? MDB_PANIC : 0;
}

struct map_finding {
	struct environment *e;
	MDB_txn *txn;
};

/* LMDB does not say where it is. But a row of its main table, which names the others, lies
 * on a page that knows its number. */
static int call_find_map(void *arg)
{
	struct map_finding *f = arg;
	MDB_val k = {strlen(names[0]), (void *)(uintptr_t)names[0]}, v;
	uintptr_t page;
	MDB_envinfo info;
	MDB_stat stat;
	MDB_dbi main;
	size_t number;
	int rc;

	mdb_env_info(f->e->env, &info);
	mdb_env_stat(f->e->env, &stat);
	rc = mdb_dbi_open(f->txn, NULL, 0, &main);
	if (!rc)
		rc = mdb_get(f->txn, main, &k, &v);
	if (rc)
		return rc;
	page = (uintptr_t)v.mv_data & ~((uintptr_t)stat.ms_psize - 1);
	memcpy(&number, (const void *)page, sizeof number); /* NOLINT */
	if (number <= info.me_last_pgno)
		guard_set_map(f->e->guard,
			(const void *)(page - number * stat.ms_psize), /* NOLINT */
			info.me_mapsize);
	return 0;
}

void environment_find_map(struct environment *e, MDB_txn *txn)
{
	struct map_finding f = {e, txn};

	guard_call(e->guard, call_find_map, &f);
}
