/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/objects/object_flush.h"

void object_set_flushed(struct object *o)
{
	atomic_store(&o->flushed, atomic_load(&o->written));
}

bool object_is_flushed(const struct object *o)
{
	return atomic_load(&o->flushed) == atomic_load(&o->written);
}

/* Waiting for pages behind the end of the file waits for none, but returns the error that
 * this descriptor has not told of yet: sync_file_range(2), file_fdatawait_range() in Linux.
 */
static int ask(const struct object *o)
{
#ifdef HAVE_SYNC_FILE_RANGE
	int64_t behind = (int64_t)((o->size | 0xffff) + 1);

	if (sync_file_range(o->fd, behind, 1, SYNC_FILE_RANGE_WAIT_BEFORE) &&
		(errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return error_from_errno(errno);
#else
	(void)o;
#endif
	return 0;
}

static int look_after_flush(struct object *o)
{
	int rc;

	pthread_mutex_lock(&o->look_mtx);
	rc = ask(o);
	if (rc)
		atomic_store(&o->failed, true);
	pthread_mutex_unlock(&o->look_mtx);
	return rc;
}

bool object_has_failed(struct object *o)
{
	/* In this order: the flusher has noted what it was told before it is done. */
	return atomic_load(&o->failed) || look_after_flush(o) || atomic_load(&o->syncing) ||
	       atomic_load(&o->failed);
}

void object_begin_flush(struct object *o)
{
	o->flushing = atomic_load(&o->written);
#ifdef HAVE_SYNC_FILE_RANGE
	/* Of no consequence but for the time that it takes; an error is seen later. */
	sync_file_range(o->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
}

/* Nobody opens it any more. */
static bool is_unlinked(const struct object *o)
{
	struct stat st;

	return fstat(o->fd, &st) == 0 && st.st_nlink == 0;
}

#ifndef HAVE_FDATASYNC
#define fdatasync fsync
#endif

static int sync_file(struct object *o)
{
	int rc;

	atomic_store(&o->syncing, true);
	if (fdatasync(o->fd) == 0)
		rc = 0;
	else if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
		rc = ERR_UNSUPPORTED;
	else
		rc = error_from_errno(errno);
	if (rc && rc != ERR_UNSUPPORTED)
		atomic_store(&o->failed, true);
	atomic_store(&o->syncing, false);
	return rc;
}

int object_end_flush(struct object *o, bool synced)
{
	int rc = 0;

	if (atomic_load(&o->failed))
		rc = ERR_IO;
	else if (!is_unlinked(o))
		rc = synced ? look_after_flush(o) : sync_file(o);
	if (!rc)
		atomic_store(&o->flushed, o->flushing);
	return rc;
}
