/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cache/meta/compaction.h"
#include "cache/meta/environment.h"
#include "util/error.h"

#define WORTH (UINT64_C(1) << 20) /* bytes that are free, at least */
#define MAP ((size_t)1 << 20)	  /* LMDB takes as much more as there is */
#define OLD "data.mdb"
#define NEW "data.new"
#define LOCKS "lock.mdb"

bool compaction_is_due(const struct structure *s)
{
	return s->free >= WORTH && s->free > s->bytes / 2;
}

struct compaction_copy {
	const char *path;
	MDB_env *env;
	int fd;
};

/* Nobody else has it open, so no lock is needed, and none is waited for. */
static int call_open_alone(void *arg)
{
	struct compaction_copy *c = arg;
	int rc = mdb_env_create(&c->env);

	if (!rc)
		rc = mdb_env_set_assert(c->env, guard_assert);
	if (!rc)
		rc = mdb_env_set_mapsize(c->env, environment_map_limit(MAP));
	return rc ? rc : mdb_env_open(c->env, c->path, MDB_RDONLY | MDB_NOLOCK, 0600);
}

static int call_copy(void *arg)
{
	struct compaction_copy *c = arg;

	return mdb_env_copyfd2(c->env, c->fd, MDB_CP_COMPACT);
}

static int call_close_alone(void *arg)
{
	mdb_env_close(arg);
	return 0;
}

/* Whoever has an environment open has LMDB's lock on the first byte of its file of locks,
 * alone or with others. To close that file ends all locks that this process has on it: it
 * has the environment closed. */
static bool stranger_has_it_open(int directory)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = openat(
		directory, LOCKS, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	bool open = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return open;
}

static int error_of(int rc)
{
	return rc > 0 ? error_from_errno(rc) : rc ? ERR_CORRUPT : 0;
}

/* LMDB copies with a thread of its own: it is not to be left in the middle and closed. */
static int compaction_copy(const char *path, int fd)
{
	struct compaction_copy c = {.path = path, .fd = fd};
	struct guard *guard;
	int rc = guard_new(path, &guard);

	if (rc)
		return rc;
	guard_write_begin(guard);
	rc = error_of(guard_call(guard, call_open_alone, &c));
	if (!rc)
		rc = error_of(guard_call(guard, call_copy, &c));
	guard_write_end(guard);
	if (guard_is_abandoned(guard))
		guard_keep(c.env);
	else if (c.env)
		guard_call(guard, call_close_alone, c.env);
	guard_free(guard);
	return rc;
}

static int compaction_replace(int directory, const char *path)
{
	int fd, rc;

	if (stranger_has_it_open(directory))
		return ERR_BUSY;
	if (unlinkat(directory, NEW, 0) && errno != ENOENT)
		return error_from_errno(errno);
	fd = openat(directory, NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_from_errno(errno);
	rc = compaction_copy(path, fd);
	if (!rc && fsync(fd))
		rc = error_from_errno(errno);
	close(fd);
	if (!rc && renameat(directory, NEW, directory, OLD))
		rc = error_from_errno(errno);
	if (rc)
		unlinkat(directory, NEW, 0);
	else
		fsync(directory);
	return rc;
}

int compaction_run(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (directory < 0)
		return error_from_errno(errno);
	rc = compaction_replace(directory, path);
	close(directory);
	return rc;
}
