/* SPDX-License-Identifier: MIT */
/*
 * Looking at the cache and tidying it while mounts run: for `cairn cache`, and the
 * socket of a mount. Blocking disk I/O; any thread.
 */
#ifndef CAIRN_CACHE_INSPECT_H
#define CAIRN_CACHE_INSPECT_H

#include "cache/cache.h"
#include "format/object_id.h"
#include "util/digest.h"

struct cache_info {
	uint64_t quota, floor;	    /* settings, bytes; quota 0: none */
	uint64_t resident;	    /* bytes of chunks on disk */
	uint64_t metadata;	    /* bytes of LMDB pages in use */
	uint64_t pinned;	    /* bytes of pinned objects that are resident */
	uint64_t objects, complete; /* objects with some, with all chunks */
	uint64_t pages;		    /* pages and recipes held */
	uint64_t disk_free;	    /* bytes on the cache's file system */
	/* The scrub (scrub.h): when it last began and ended, seconds since 1970 (0: never),
	 * what this pass has looked at, and rotten pieces found: in this one, in the last
	 * complete one, in all. */
	int64_t scrub_begun, scrub_ended;
	uint64_t scrub_bytes, scrub_rotten, scrub_rotten_before, scrub_rotten_ever;
};
int cache_info(struct cache *c, struct cache_info *out);

/* Of these what is told at once, at any size of the cache, without a word to who writes:
 * what is being written now is not in it. */
struct cache_usage {
	uint64_t quota, floor, resident, metadata, disk_free;
};
int cache_usage(struct cache *c, struct cache_usage *out);

struct cache_dataset {
	char *name, *url;
	uint64_t revision; /* last accepted */
	uint64_t highest;  /* ever seen */
	int64_t accepted;  /* seconds since 1970 */
	struct digest id, root;
};
/* The callback's return other than 0 stops and is returned. Structs are borrowed. */
int cache_each_dataset(
	struct cache *c, int (*each)(void *ctx, const struct cache_dataset *d), void *ctx);

struct cache_object {
	struct object_id id;
	uint64_t size, resident; /* bytes */
	uint64_t chunks, present;
	int64_t last_use; /* seconds since 1970 */
	bool pinned;
};
int cache_each_object(
	struct cache *c, int (*each)(void *ctx, const struct cache_object *o), void *ctx);
int cache_find_object(
	struct cache *c, const struct object_id *object, struct cache_object *out);

/* Reads and hashes every resident byte and every page record. `progress` may be NULL.
 * Rotten chunks are reported; with `repair` they are dropped (and fetched again when
 * they are next read). */
struct cache_rot {
	struct digest object, chunk; /* chunk zero: a page or recipe named by `object` */
	uint64_t start, size;
};
struct cache_verify {
	bool repair;
	int (*rotten)(void *ctx, const struct cache_rot *rot);
	void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes */
	void *ctx;
	uint64_t bytes, bad; /* results: bytes checked, rotten pieces */
};
int cache_verify(struct cache *c, struct cache_verify *v);

/* Throws out one object; ERR_ABSENT, ERR_BUSY when pinned and not `even_pinned`, or when a
 * mount has lent it to the kernel. */
int cache_evict_object(
	struct cache *c, const struct object_id *object, bool even_pinned, uint64_t *freed);
/* Throws out in last-use order until at most `target` resident bytes are left. */
int cache_evict_to(struct cache *c, uint64_t target, uint64_t *freed);
/* Throws out all objects that are neither pinned nor lent, and all pages but the last
 * accepted root of each dataset and tag: with that and its manifest, a dataset mounts
 * offline. */
int cache_clear(struct cache *c, uint64_t *freed);
/* A pinned object is not evicted. Pins are named: unpin by the same name. An object that
 * is not resident may be pinned. */
int cache_pin(struct cache *c, const char *pin, const struct object_id *object);
int cache_unpin(struct cache *c, const char *pin, uint64_t *objects);
int cache_each_pin(struct cache *c,
	int (*each)(void *ctx, const char *pin, uint64_t objects), void *ctx);

#endif
