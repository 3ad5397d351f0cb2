/* SPDX-License-Identifier: MIT */
/*
 * An object that is open in this process: its file, and which of its chunks are there,
 * shared by all who read and fill it. No lock is held over disk I/O: a chunk is written
 * before its bit is set (release), and read after its bit was seen (acquire); a chunk
 * that is present is never written again, and the file is never truncated.
 *
 * Eviction unlinks the whole file, so that whoever has it open goes on reading right
 * bytes. An object marked under an older generation of the cache (after which the machine
 * may have lost data) has each chunk hashed before its first use. Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_OBJECT_H
#define CAIRN_CACHE_OBJECTS_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cache/meta/records.h"
#include "cache/objects/directory.h"
#include "format/want.h"

struct object {
	struct directory *directory; /* borrowed */
	struct object_id id;
	uint64_t instance, size, chunks;
	uint64_t drops;		/* of the record, when it was opened */
	uint64_t generation;	/* of the cache, that it was opened in */
	uint64_t recorded_file; /* of the record, when it was opened */
	uint64_t file;		/* that is open: object_file_number() */
	int fd;			/* -1 until its maker opens it */
	atomic_uint refs;
	atomic_uint_least64_t *present;
	atomic_uint_least64_t *checked; /* NULL: all marks are trusted */
	bool doubted;		       /* marked in an epoch after which data may be lost */
	atomic_uint_least64_t written; /* times that bytes came into the file */
	atomic_uint_least64_t flushed; /* of those, on the disk: object_flush.h */
	uint64_t flushing;	       /* the flusher's: of those, about to be */
	atomic_bool syncing;	       /* the flusher is about to hear of errors */
	atomic_bool failed;	       /* a write-back of the file failed */
	atomic_bool recorded;	       /* the books know this instance */
	atomic_bool gone;	       /* they no longer do: to be opened anew */
	atomic_bool lost;	       /* its file cannot be read */
	atomic_bool whole;	       /* the kernel may read ahead: there is no hole */
	atomic_int_least64_t noted;    /* last use that was noted, seconds since 1970 */
	atomic_int_least64_t touched;  /* last use, CLOCK_MONOTONIC ns */
	atomic_size_t seen;	       /* the transaction of the last look at the record */
	pthread_mutex_t look_mtx; /* who asks for an error tells of it before others ask */
	pthread_mutex_t merge_mtx;
	bool dropping; /* merge_mtx: the record has bits that are not to be believed */
	/* open_objects.c's, under its stripe's lock: */
	bool listed;
	struct object *next, *newer, *older;
};

/* As `r` says (its bitmap aside), without a file and with one reference. `generation` is
 * the cache's: what was marked in another one is to be hashed. NULL without memory. */
struct object *object_new(struct directory *directory, const struct object_id *id,
	const struct object_record *r, uint64_t generation);
/* Its file was opened, or made: is it the one that the record is of? If not, each chunk is
 * to be hashed. Before anybody else knows the object. ERR_NO_MEMORY. */
int object_set_file(struct object *o, int fd);
bool object_has_other_file(const struct object *o);
/* Has each chunk hashed before its first use, whenever it was marked. Before anybody else
 * knows the object. ERR_NO_MEMORY. */
int object_check_all(struct object *o);
struct object *object_get(struct object *o);
/* The last reference closes the file, and removes one that the books never heard of. */
void object_put(struct object *o);
size_t object_bitmap_bytes(const struct object *o);

/* Is the record of this instance, and nothing was dropped since? */
bool object_is_of(const struct object *o, const struct object_record *r);
/* Has it the size and the number of chunks that `as` says (NULL: whatever it is)? */
bool object_is_as(const struct object *o, const struct want *as);
/* After bytes came into the file, or were found in it that another process wrote, and
 * before anybody is told that they are there: until they are flushed (object_flush.h), who
 * reads looks. */
void object_note_written(struct object *o);
/* What the record says more than we know: another process wrote it. */
void object_merge(struct object *o, const struct object_record *r);
/* From now on the record's bits are not merged any more: some are not to be believed. */
void object_begin_dropping(struct object *o);

/* What is known here, without a look at the record. */
bool object_has_here(struct object *o, uint64_t ordinal);
/* The first chunk that is not there or not trusted; the number of chunks if none. */
uint64_t object_first_missing(struct object *o);
/* Its bytes are in the file, and right. */
void object_set_present(struct object *o, uint64_t ordinal);
void object_clear_present(struct object *o, uint64_t ordinal);
/* Must a chunk that is there be hashed before it is used? */
bool object_must_check(const struct object *o, uint64_t ordinal);
/* It was hashed. True when that was the last one that had to be. */
bool object_set_checked(struct object *o, uint64_t ordinal);

/* Its file was opened: tells the kernel how it will be read. */
void object_begin_reading(struct object *o);
/* Is the file as long as it was made? One that somebody has cut must not grow again: what
 * was cut off would be zeros under marks that say it is there. */
bool object_file_is_whole(const struct object *o);
/* Is the file filled from its beginning or some place on? Then more will follow. Those
 * that are fetched at once arrive in any order. */
bool object_is_filled_in_order(const struct object *o, uint64_t ordinal);

#endif
