/* SPDX-License-Identifier: MIT */
/*
 * One try of a request against what is local. Nothing here waits for the network: what
 * is missing is noted as a `want`, and ERR_PENDING returned. The caller ends the
 * attempt, parks the request on a waiter (source.h), and tries the whole request again
 * when the wants have arrived; what arrived stays in the waiter's hands meanwhile, so
 * that a retry succeeds even when the cache had no room for it.
 *
 * An attempt lives on one thread's stack, for a short time (it holds an LMDB read
 * transaction, which keeps old pages from being reused).
 */
#ifndef CAIRN_CACHE_ATTEMPT_H
#define CAIRN_CACHE_ATTEMPT_H

#include "cache/cache.h"
#include "format/blob_buffer.h"
#include "format/entry.h"
#include "format/extent_list.h"
#include "format/page.h"
#include "format/recipe.h"
#include "format/want.h"

#define WANTS_MAX 16 /* blobs that a request waits for at a time, of maybe many more */

struct attempt {
	struct cache *cache;
	const struct blob_buffers *buffers; /* borrowed, may be NULL */
	struct want wants[WANTS_MAX];
	unsigned want_count;
	/* The attempt's own: */
	void *txn;		  /* cache/metadata's, begun when first needed */
	struct blob_buffers held; /* pages given out that are not yet committed */
};

int attempt_begin(
	struct attempt *a, struct cache *cache, const struct blob_buffers *buffers);
/* Views given out are invalid from here on. wants stay readable. ERR_CORRUPT: nothing that
 * was seen in it may be believed, since the books were found damaged meanwhile; another
 * attempt does without them. */
int attempt_end(struct attempt *a);

/* The page, recipe or list of extents of that digest, borrowed until attempt_end.
 * ERR_PENDING, ERR_CORRUPT. */
int attempt_page(struct attempt *a, const struct digest *digest, struct page *out);
int attempt_recipe(struct attempt *a, const struct digest *digest, struct recipe *out);
int attempt_extents(
	struct attempt *a, const struct digest *digest, struct extent_list *out);
/* True when that list of extents is here. Else notes that it is wanted, unless the list of
 * wants is full. */
bool attempt_hint_extents(struct attempt *a, const struct digest *digest);
/* True when that page is here. Else notes that it will be wanted soon, unless the list is
 * full. */
bool attempt_hint_page(struct attempt *a, const struct digest *digest);

/* The chunk that holds byte `offset` of an object. ERR_PENDING (a recipe is missing),
 * ERR_CORRUPT, ERR_ABSENT past the end. Fills a want, present or not. */
int attempt_chunk(struct attempt *a, const struct object_ref *object, uint64_t offset,
	struct want *out);
/* Is it resident (in the cache or among the buffers)? */
bool attempt_has(struct attempt *a, const struct want *chunk);

/* Reads [offset, offset+size) of the object's bytes into `buffer`. ERR_PENDING: some
 * chunks (all of the missing ones, up to WANTS_MAX) are in wants. */
int attempt_read(struct attempt *a, const struct object_ref *object, uint64_t offset,
	void *buffer, size_t size);
/* The file of the cache that is this file, byte for byte, when all of it is here and
 * trusted; ERR_ABSENT. *fd, open for reading, is lent: as long as it or a copy of it is
 * open anywhere, the kernel included, no process evicts it. Says nothing of later uses:
 * attempt_touch() does. */
int attempt_lend(struct attempt *a, const struct entry *e, int *fd);
/* Notes that the file's object is in use. */
void attempt_touch(struct attempt *a, const struct entry *e);
/* Resident bytes of a file's slice (chunks that are here, clipped to the slice); a
 * missing recipe counts as nothing. */
int attempt_resident(struct attempt *a, const struct entry *e, uint64_t *bytes);

#endif
