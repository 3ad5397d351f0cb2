/* SPDX-License-Identifier: MIT */
/*
 * Threads that do something with each of many blobs, for who walks over them: check, copy.
 * Few blobs wait at a time, so whoever hands them out is held up rather than the memory
 * filled. Handing out: any thread; waiting and freeing: one, when no other hands out.
 */
#ifndef CAIRN_PUBLISH_BLOB_POOL_H
#define CAIRN_PUBLISH_BLOB_POOL_H

#include "publish/reachable.h"

/* A thread's own. */
struct blob_scratch {
	struct blob_codec *codec;
	struct bytes content, stored, other;
};
int blob_scratch_init(struct blob_scratch *x); /* ERR_NO_MEMORY */
void blob_scratch_release(struct blob_scratch *x);

/* On any of the threads. What is not 0 is an end: no further blob is begun. */
typedef int (*blob_pool_fn)(
	void *ctx, struct blob_scratch *x, const struct reached *blob, struct trouble *t);

struct blob_pool;
/* ERR_NO_MEMORY, ERR_NO_THREADS. */
int blob_pool_new(const char *name, unsigned threads, blob_pool_fn run, void *ctx,
	struct blob_pool **out);
/* Waits for room. What ended it, if something did. */
int blob_pool_add(struct blob_pool *p, const struct reached *blob, struct trouble *t);
/* Until all that was added is done. The same. */
int blob_pool_wait(struct blob_pool *p, struct trouble *t);
/* What waits is not begun; may be NULL. */
void blob_pool_free(struct blob_pool *p);

#endif
