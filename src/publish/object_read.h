/* SPDX-License-Identifier: MIT */
/*
 * One reading of a large file: the list of its chunks, in which the job that stores a
 * chunk fills in its place (chunk_job.h). A file that changes while it is read is read
 * again (object_job.h); the unit keeps all its readings until the last of its jobs is
 * over, and the newest says what the object is. One worker reads; any fills in.
 */
#ifndef CAIRN_PUBLISH_OBJECT_READ_H
#define CAIRN_PUBLISH_OBJECT_READ_H

#include "publish/unit.h"

struct object_read {
	struct object_read *next; /* an earlier one */
	struct unit *unit;
	uint64_t size;	      /* bytes read: the reader's, as is `count` */
	struct digest object; /* when all was read */
	uint64_t count;

	struct chunk_ref *chunks; /* publication_mtx; it moves as it grows */
	uint64_t capacity;
};

/* Becomes the unit's newest, which owns it. NULL without memory. */
struct object_read *object_read_new(struct unit *u);
/* Makes room for a chunk behind the others. By the reader, before the chunk's job.
 * ERR_NO_MEMORY. */
int object_read_reserve(struct object_read *read);
/* For a place below `count`. */
void object_read_set_chunk(
	struct object_read *read, uint64_t index, const struct chunk_ref *chunk);
/* One of the unit's jobs is over, with `rc` and its words in `t`; `x`, the job's, is given
 * back (NULL: it had none). The last one says what the object is, frees the readings and
 * finishes the unit. */
void object_read_end_job(struct unit *u, struct scratch *x, int rc, struct trouble *t);

#endif
