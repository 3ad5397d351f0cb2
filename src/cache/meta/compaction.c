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

bool compaction_is_due(const struct structure *s)
{
	return s->free >= WORTH && s->free > s->bytes / 2;
}

struct compaction_copy {
	MDB_env *env;
	int fd;
};

static int call_copy(void *arg)
{
	struct compaction_copy *c = arg;

	return mdb_env_copyfd2(c->env, c->fd, MDB_CP_COMPACT);
}

static int error_of(int rc)
{
	return rc > 0 ? error_from_errno(rc) : rc ? ERR_CORRUPT : 0;
}

/* LMDB copies with a thread of its own: it is not to be left in the middle and closed. */
static int compaction_copy(const char *path, int fd)
{
	struct environment e = {.env = NULL};
	struct compaction_copy c;
	int rc = guard_new(path, &e.guard);

	if (rc)
		return rc;
	rc = error_of(environment_open(&e, path, MAP));
	c = (struct compaction_copy){e.env, fd};
	if (!rc) {
		guard_write_begin(e.guard);
		rc = error_of(guard_call(e.guard, call_copy, &c));
		guard_write_end(e.guard);
	}
	environment_close(&e);
	guard_free(e.guard);
	return rc;
}

static int compaction_replace(int directory, const char *path)
{
	int fd, rc;

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
