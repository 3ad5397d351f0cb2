/* SPDX-License-Identifier: MIT */
/*
 * Throws objects out: takes them in the order of eviction (meta/eviction.h), passes over
 * those that are lent to a kernel, whose space would not become free, and leaves those
 * that this process used in the last seconds for when nothing else is left; strikes them
 * from the books, and then removes their files (victim_files.h). A file stays locked
 * against being lent meanwhile. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_EVICTOR_H
#define CAIRN_CACHE_WRITE_EVICTOR_H

#include "cache/write/write_context.h"

/* Goes on until both are reached, or nothing more can go. */
struct evictor_goal {
	uint64_t cost;	   /* bytes of disk */
	uint64_t resident; /* bytes of chunks */
	/* Nor is more thrown out than leaves room for `need` bytes: another process may
	 * make room for the same shortage. */
	bool if_short;
	uint64_t need;
};
struct evictor_result {
	uint64_t cost, resident; /* bytes that went; those that stay on the disk not */
	bool enough;		 /* it was no longer short of anything */
};
/* An error after something went is in neither *out nor lost: what went is in *out. */
int evictor_run(struct write_context *x, const struct evictor_goal *goal,
	struct evictor_result *out);
/* How many bytes of disk could go, looking no further than `cost`. Nothing does. */
uint64_t evictor_reach(struct write_context *x, uint64_t cost);
/* Just this object. ERR_ABSENT; ERR_BUSY: it is pinned and not `even_pinned`, or lent. */
int evictor_remove(struct write_context *x, const struct object_id *object,
	bool even_pinned, struct evictor_result *out);

/* The files of what a transaction struck from the books. */
void evictor_unlink(struct write_context *x, const struct victim *gone, size_t count);
#define EVICTOR_DEAD_MAX 64
/* The users of the cache that hold a lease and are dead, and how many they are. */
size_t evictor_find_dead(struct write_context *x, uint32_t dead[EVICTOR_DEAD_MAX]);
/* Their leases lapse: bytes that need not be made free. 0 also when nobody is dead. */
int evictor_end_leases(struct write_context *x);

#endif
