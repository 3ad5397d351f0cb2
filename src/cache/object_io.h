/* SPDX-License-Identifier: MIT */
/*
 * An object that is open in this process: its file, and which of its chunks are there,
 * shared by all who read and fill it. No lock is held over disk I/O: a chunk is written
 * before its bit is set (release), and read after its bit was seen (acquire); a chunk
 * that is present is never written again, and the file is never truncated.
 *
 * Eviction unlinks the whole file, so that whoever has it open goes on reading right
 * bytes. An object made under an older generation of the cache (after which the machine
 * may have lost data) has each chunk hashed before its first use.
 */
#ifndef CAIRN_CACHE_OBJECT_IO_H
#define CAIRN_CACHE_OBJECT_IO_H

#include <pthread.h>
#include <stdatomic.h>

#include "cache/attempt.h"
#include "cache/state.h"

struct object {
	struct cache *cache;
	struct digest digest, layout;
	uint64_t instance, size, chunks;
	uint64_t drops; /* of the record, when it was opened */
	int fd;
	atomic_uint refs;
	atomic_uint_least64_t *present;
	atomic_uint_least64_t *checked; /* NULL: all marks are trusted */
	atomic_bool recorded;		/* the cache's metadata knows this instance */
	atomic_bool gone;		/* it no longer does: to be opened anew */
	atomic_bool lost;		/* its file cannot be read */
	atomic_bool whole;		/* the kernel may read ahead: there is no hole */
	atomic_int_least64_t noted;	/* last use that was noted, seconds since 1970 */
	atomic_int_least64_t touched;	/* last use, CLOCK_MONOTONIC ns */
	atomic_size_t seen;		/* the transaction of the last look at the record */
	pthread_mutex_t merge_mtx;
	bool dropping; /* merge_mtx: the record has bits that are not to be believed */
	/* The table's, under its stripe's lock: */
	bool listed;
	struct object *next, *newer, *older;
};

struct object *object_get(struct object *o);
void object_put(struct object *o);
size_t object_bitmap_bytes(const struct object *o);

/* An object of which something is in the cache. ERR_ABSENT, also when it is there with
 * another list of chunks than `as` says (NULL: whatever it is). */
int object_open(struct cache *c, const struct digest *digest, const struct want *as,
	struct object **out);
/* Is the chunk there? Looks at the record when this process knows of no such chunk. */
bool object_has(struct object *o, uint64_t ordinal);
/* What is known here, without a look at the record. */
bool object_has_here(struct object *o, uint64_t ordinal);
/* Bytes [skip, skip + size) of a chunk that is there. ERR_ABSENT: it could not be read or
 * was rotten, and is dropped. */
int object_read(struct object *o, const struct want *chunk, uint64_t skip, void *buffer,
	size_t size);
/* Keeps a verified chunk. In a hurry, no time is spent on how it lies in memory. */
int object_fill(struct cache *c, const struct want *chunk, struct span content, bool hurry);
/* A chunk was found rotten: it is no longer there. */
void object_drop_chunk(struct object *o, const struct want *chunk);
/* Notes that it is in use, coarsely. */
void object_touch(struct object *o);
/* All chunks present (and trusted): its file can be read directly. */
bool object_is_complete(struct object *o);
/* Its file, when it is complete: see directory_lend_object(). ERR_ABSENT. */
int object_lend(struct object *o, int *fd);

#endif
