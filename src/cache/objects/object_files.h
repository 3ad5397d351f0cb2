/* SPDX-License-Identifier: MIT */
/*
 * The files of objects in `objects/`: one per object, named by its id and a number, the
 * instance, that is never used again: a record and a file belong together or there
 * is no such file. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_OBJECT_FILES_H
#define CAIRN_CACHE_OBJECTS_OBJECT_FILES_H

#include "cache/objects/directory.h"
#include "format/object_id.h"
#include "util/bytes.h"

/* The number of the user that made an instance. */
#define INSTANCE_USER(instance) ((uint32_t)((instance) >> 32))
#define OBJECT_NAME_SIZE 152
/* "ab/cdef....LAYOUT.0123456789abcdef", without LAYOUT where that is zero, and back: 0 or
 * ERR_CORRUPT. */
void object_file_name(
	const struct object_id *id, uint64_t instance, char name[OBJECT_NAME_SIZE]);
int object_file_parse(
	const char *prefix, const char *rest, struct object_id *id, uint64_t *instance);
/* A new empty file of `size` bytes (sparse), open for reading and writing. ERR_EXISTS. */
int object_file_create(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, int *fd);
/* ERR_ABSENT; ERR_CORRUPT when it is not a file of that size. */
int object_file_open(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, int *fd);
/* Another one for each file that is made: of its inode, and when that was made where the
 * file system tells. A copy, a file that was put back from a backup or put in the place of
 * another has a number of its own. 0: not known. */
uint64_t object_file_number(int fd);
/* The same for reading, and locked (flock(2), shared) against eviction as long as it is
 * open, here or in the kernel. ERR_ABSENT, also while somebody evicts it; ERR_CORRUPT also
 * when it is not the file of that number. */
int object_file_lend(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, uint64_t number, int *fd);
/* Locks it against being lent as long as *fd is open, for who is about to throw it out;
 * *fd is -1 where there is no such file. ERR_BUSY: it is lent, or marked as one that may
 * not be removed (chattr(1), +i). */
int object_file_lock(
	struct directory *d, const struct object_id *id, uint64_t instance, int *fd);
/* Just written: does the disk give back what it was given? Waits for it. ERR_IO. */
int object_file_prove(int fd, struct span content, uint64_t start);
/* Who has it open? Asked by a lease of fcntl(2), which a system gives only on a file that
 * nobody else has open, in any process or in the kernel. */
enum object_file_use {
	OBJECT_FILE_ABSENT,
	OBJECT_FILE_FREE,   /* nobody */
	OBJECT_FILE_HELD,   /* somebody, maybe this process */
	OBJECT_FILE_UNKNOWN /* there are no leases here, or it cannot be opened */
};
enum object_file_use object_file_use(
	struct directory *d, const struct object_id *id, uint64_t instance);
/* Removes it, lent or not: whoever has it open goes on. Absent is fine. */
int object_file_remove(struct directory *d, const struct object_id *id, uint64_t instance);
/* The bytes of disk that it takes; 0 when that cannot be seen. */
uint64_t object_file_cost(
	struct directory *d, const struct object_id *id, uint64_t instance);
/* Calls `each` for every object file. */
typedef int (*object_file_fn)(void *ctx, const struct object_id *id, uint64_t instance);
int object_file_each(struct directory *d, object_file_fn each, void *ctx);

#endif
