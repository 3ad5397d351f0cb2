/* SPDX-License-Identifier: MIT */
/*
 * Goes through all that the cache keeps, a piece at a time, and compares each with its
 * digest or checksum: verify.c at once, for whoever asks; scrub.c in the time it is given.
 * Others read, fill and evict meanwhile: a piece is called rotten only when the books,
 * looked at after its bytes were read, still say that just these bytes are there. Whoever
 * takes them away strikes them from the books first, so what was gone or half written is
 * never called rot.
 *
 * Blocking disk I/O. One of these belongs to one thread.
 */
#ifndef CAIRN_CACHE_CHECK_H
#define CAIRN_CACHE_CHECK_H

#include "cache/cache.h"
#include "cache/objects/object.h"

enum check_stage { CHECK_PAGES, CHECK_OBJECTS, CHECK_ENDED };

/* How far it has got: a plain value. Zero: nowhere yet. */
struct check_place {
	enum check_stage stage;
	bool begun; /* there is an `at` */
	/* page: the last one, its digest; object: the one that it is in */
	struct object_id at;
	uint64_t ordinal; /* object: its next chunk; CHECK_ALL_DONE */
};
#define CHECK_ALL_DONE UINT64_MAX

struct check {
	struct cache *cache;
	struct check_place place;
	bool from_disk;		/* not from the page cache, where that can be had */
	bool spares_page_cache; /* leaves it as it was */
	struct object *object;	/* that place.at names, opened apart; or NULL */
	uint8_t *buffer;	/* CHUNK_SIZE_MAX bytes */
};
/* From a place on. ERR_NO_MEMORY. */
int check_open(struct check *k, struct cache *c, const struct check_place *from);
void check_close(struct check *k);

struct check_piece {
	bool rotten;
	int why;		 /* rotten: ERR_CORRUPT, or why it could not be read */
	bool whole;		 /* rotten: all of the object, nobody knows its chunks */
	struct object_id object; /* or the page, its digest */
	struct want chunk;	 /* of an object */
	uint64_t start, bytes;	 /* looked at */
};
/* Looks at the next piece. ERR_ABSENT: there is none left. What was not there any more is
 * a piece of 0 bytes. Other errors: nothing can be told now. */
int check_next(struct check *k, struct check_piece *out);
/* Bytes that there are to look at, an estimate. */
int check_total(struct cache *c, uint64_t *bytes);
/* Throws out a rotten piece, so that it is fetched again. */
void check_drop(struct check *k, const struct check_piece *piece);

/* What check_next() does with a chunk of k->object, in two steps. ERR_ABSENT: it is not
 * there (any more); ERR_CORRUPT: nobody knows which it is. */
int check_find_chunk(struct check *k, uint64_t ordinal, struct want *out);
int check_chunk(struct check *k, const struct want *chunk, struct check_piece *out);

#endif
