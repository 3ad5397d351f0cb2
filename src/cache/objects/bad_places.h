/* SPDX-License-Identifier: MIT */
/*
 * Where a file of this cache could not be read, in this process's life: what is brought
 * again for such a place is looked at on the disk before it counts as kept, and a place
 * that does not take it is left alone. The last ones are known; what is forgotten costs a
 * read that fails once more. Own lock, a leaf; any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_BAD_PLACES_H
#define CAIRN_CACHE_OBJECTS_BAD_PLACES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define BAD_PLACES_MAX 256

enum bad_place {
	BAD_PLACE_NONE,
	BAD_PLACE_READ,	 /* could not be read */
	BAD_PLACE_WRITE, /* and did not take other bytes */
};
struct bad_places {
	pthread_mutex_t places_mtx; /* over all below */
	struct {
		uint64_t instance, ordinal; /* chunk of an object's file */
		enum bad_place kind;	    /* NONE: free */
	} list[BAD_PLACES_MAX];
	unsigned next;	   /* to be forgotten */
	atomic_uint count; /* ever added; may be read without the lock */
};

void bad_places_init(struct bad_places *b);
void bad_places_release(struct bad_places *b);
void bad_places_add(struct bad_places *b, uint64_t instance, uint64_t ordinal);
void bad_places_refuse(struct bad_places *b, uint64_t instance, uint64_t ordinal);
void bad_places_remove(struct bad_places *b, uint64_t instance, uint64_t ordinal);
enum bad_place bad_places_find(struct bad_places *b, uint64_t instance, uint64_t ordinal);

#endif
