/* SPDX-License-Identifier: MIT */
/*
 * Reading and filling an object (objects/object.h): what is there is read from its file,
 * what is written is marked through the write queue, what cannot be read or is rotten is
 * given up. Blocking disk I/O, no network; any thread.
 */
#ifndef CAIRN_CACHE_OBJECT_IO_H
#define CAIRN_CACHE_OBJECT_IO_H

#include "cache/cache.h"
#include "cache/objects/object.h"
#include "util/bytes.h"

/* Is the chunk there? Looks at the record when this process knows of no such chunk. */
bool object_io_has(struct cache *c, struct object *o, uint64_t ordinal);
/* Bytes [skip, skip + size) of a chunk that is there. ERR_ABSENT: it could not be read or
 * was rotten, and is dropped. */
int object_io_read(struct cache *c, struct object *o, const struct want *chunk,
	uint64_t skip, void *buffer, size_t size);
/* Keeps a verified chunk. In a hurry, no time is spent on how it lies in memory.
 * ERR_INVALID, ERR_LIMIT: no such place can be; ERR_NO_SPACE, ERR_TIMEOUT: no room;
 * ERR_BUSY: one of another size lies there. */
int object_io_insert(
	struct cache *c, const struct want *chunk, struct span content, bool hurry);
/* A chunk was found rotten (ERR_CORRUPT), or could not be read (why): it is no longer
 * there. */
void object_io_drop_chunk(
	struct cache *c, struct object *o, const struct want *chunk, int why);
/* A read of a chunk's bytes failed with rc: drops that chunk where its place alone is bad,
 * the object where the file is cut or gone. ERR_ABSENT, or rc when nothing is known to be
 * wrong (ERR_NO_MEMORY). */
int object_io_fail(struct cache *c, struct object *o, const struct want *chunk, int rc);
/* Notes that it is in use, coarsely. */
void object_io_touch(struct cache *c, struct object *o);
/* All chunks present (and trusted): its file can be read directly. */
bool object_io_is_complete(struct cache *c, struct object *o);
/* Its file, when it is complete: see object_file_lend(). ERR_ABSENT. */
int object_io_lend(struct cache *c, struct object *o, int *fd);

#endif
