/* SPDX-License-Identifier: MIT */
/*
 * The cache's directory: checked, opened once, and everything below it reached from its
 * descriptors with O_NOFOLLOW.
 *
 *   lock         held shared (flock) by every user; whoever gets it alone is the only one
 *   damaged      is there when the metadata was found damaged while in use
 *   meta/        the LMDB environment
 *   objects/ab/  one file per object, "cdef....INSTANCE"
 *   users/ID     held locked by the user with that number as long as it lives, so that
 *                the others can tell a dead one's leases (flock knows no pid, and so
 *                works across containers)
 *
 * An object's file is named by its digest and a number, the instance, that is never used
 * again: a record and a file belong together or there is no such file. Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_DIRECTORY_H
#define CAIRN_CACHE_OBJECTS_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "util/digest.h"
#include "util/error.h"

struct directory {
	char *path;
	int fd, lock_fd, objects_fd, users_fd;
	int user_fd;   /* users/ID, or -1 */
	uint32_t user; /* our number among the users, never 0 */
	bool alone;    /* nobody else had it open when we came */
};

/* Makes what is missing, checks owner and mode, takes the lock. */
int directory_open(struct directory *d, const char *path, struct trouble *t);
void directory_close(struct directory *d);
/* Opening is over: when we are alone, others have been kept out until here. */
void directory_settle(struct directory *d);
/* Are we the only user now? Keeps others out until directory_close when true. */
bool directory_last(struct directory *d);

/* meta/ with its path (heap). */
int directory_metadata(struct directory *d, char **path, struct trouble *t);
/* Moves meta/ aside as meta.damaged (the last such one only) and makes an empty one. */
int directory_set_aside(struct directory *d, struct trouble *t);
/* A mark that says so to the next who opens the cache alone. */
void directory_mark_damaged(struct directory *d);
bool directory_is_damaged(struct directory *d);

/* Does the user with that number live? A dead one's file is removed. */
bool directory_user_lives(struct directory *d, uint32_t user);

/* The number of the user that made an instance. */
#define INSTANCE_USER(instance) ((uint32_t)((instance) >> 32))
#define OBJECT_NAME_SIZE 88
/* "ab/cdef....0123456789abcdef" and back: 0 or ERR_CORRUPT. */
void directory_object_name(
	const struct digest *digest, uint64_t instance, char name[OBJECT_NAME_SIZE]);
int directory_object_parse(
	const char *prefix, const char *rest, struct digest *digest, uint64_t *instance);
/* A new empty file of `size` bytes (sparse), open for reading and writing. ERR_EXISTS. */
int directory_create_object(struct directory *d, const struct digest *digest,
	uint64_t instance, uint64_t size, int *fd);
/* ERR_ABSENT; ERR_CORRUPT when it is not a file of that size. */
int directory_open_object(struct directory *d, const struct digest *digest,
	uint64_t instance, uint64_t size, int *fd);
/* The same for reading, and locked (flock(2), shared) against eviction as long as it is
 * open, here or in the kernel. ERR_ABSENT, also while somebody evicts it. */
int directory_lend_object(struct directory *d, const struct digest *digest,
	uint64_t instance, uint64_t size, int *fd);
/* Removes it unless it is lent: ERR_BUSY. Absent is fine. */
int directory_evict_object(
	struct directory *d, const struct digest *digest, uint64_t instance);
/* Removes it, lent or not: whoever has it open goes on. Absent is fine. */
int directory_remove_object(
	struct directory *d, const struct digest *digest, uint64_t instance);
/* Calls `each` for every object file. */
typedef int (*directory_each_fn)(void *ctx, const struct digest *digest, uint64_t instance);
int directory_each_object(struct directory *d, directory_each_fn each, void *ctx);
/* Does the directory lie on a file system that lies on another one (overlayfs)? */
bool directory_is_stacked(const struct directory *d);
/* Bytes that the file system has left for us. */
int directory_free_bytes(struct directory *d, uint64_t *bytes);
/* All data written so far reaches the disk. */
void directory_sync(struct directory *d);

#endif
