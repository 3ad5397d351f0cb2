/* SPDX-License-Identifier: MIT */
/*
 * The cache's directory: checked, opened once, and everything below it reached from its
 * descriptors with O_NOFOLLOW.
 *
 *   lock         held shared (flock) by every user; whoever gets it alone is the only one
 *   meta.lock    held (flock) by whoever opens the metadata or puts another in its place
 *   meta/        the LMDB environment; `damaged` is in it when it was found to be so
 *   meta.damaged the last one that was
 *   objects/ab/  one file per object, "cdef....LAYOUT.INSTANCE" (object_files.h)
 *   books        which books the files were last written under (last_books.h)
 *   limits       quota and floor, for when meta/ is begun anew (limits_file.h)
 *   evicted      its times change when others are to look whether they have open what was
 *                thrown out
 *   users/ID     held locked by the user with that number as long as it lives, so that
 *                the others can tell a dead one's leases (flock knows no pid, and so
 *                works across containers)
 *
 * Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_DIRECTORY_H
#define CAIRN_CACHE_OBJECTS_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/meta/write_lock.h"
#include "util/digest.h"
#include "util/error.h"

struct directory {
	char *path;
	int fd, lock_fd, objects_fd, users_fd;
	int user_fd; /* users/ID, or -1 */
	int evicted_fd;
	uint32_t user; /* our number among the users, never 0 */
	bool alone;    /* nobody else had it open when we came */
	bool tells;    /* the kernel tells of each file, without a flush of it, whether what
			* was    written to it got lost */
	bool keeps_out;			 /* the lock is held alone */
	struct write_lock metadata_lock; /* meta.lock */
};

/* Makes what is missing, checks owner and mode, takes the lock: whoever opens or leaves it
 * alone is waited for until `deadline` (CLOCK_MONOTONIC, ns). */
int directory_open(
	struct directory *d, const char *path, int64_t deadline, struct trouble *t);
void directory_close(struct directory *d);
/* Opening is over: when we are alone, others have been kept out until here. ERR_TIMEOUT:
 * one of them keeps us out now. */
int directory_admit(struct directory *d, int64_t deadline, struct trouble *t);
/* Are we the only user now? Keeps others out until directory_close when true. */
bool directory_is_last(struct directory *d);

/* The directory `name` in it, made when it is not there; ours alone, else ERR_DENIED. The
 * descriptor is the caller's. */
int directory_open_below(struct directory *d, const char *name, int *fd, struct trouble *t);
/* The sentence for a lock `name` that could not be taken: with ERR_TIMEOUT, who holds it.
 * Returns rc. */
int directory_refuse_locked(
	struct directory *d, const char *name, int rc, struct trouble *t);

/* Does the user with that number live? A dead one's file is removed. */
bool directory_user_lives(struct directory *d, uint32_t user);

/* Something was thrown out that others have open: whoever watches is told. */
void directory_tell_evicted(struct directory *d);
/* An inotify(7) descriptor, the caller's, that becomes readable then; -1: not here. */
int directory_watch_evicted(struct directory *d);

/* Bytes that the file system has left for us. */
int directory_free_bytes(struct directory *d, uint64_t *bytes);
/* Which boot of the machine it is and which mount of the file system, a hash: what was not
 * flushed in another one may be lost. */
uint64_t directory_boot(const struct directory *d);
/* All data written so far reaches the disk; an error when that failed, now or (Linux) since
 * the directory was opened. */
int directory_sync(struct directory *d);
/* Has the file system carry out what it has put off, such as freeing space. Takes no notice
 * of errors, which directory_sync() is still to tell. */
void directory_settle(struct directory *d);

#endif
