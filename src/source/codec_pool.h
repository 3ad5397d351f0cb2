/* SPDX-License-Identifier: MIT */
/*
 * Codecs that are not in use: making one costs more than decoding a small blob. Any
 * thread; one lock, under which nothing else is called.
 */
#ifndef CAIRN_SOURCE_CODEC_POOL_H
#define CAIRN_SOURCE_CODEC_POOL_H

#include <pthread.h>

#include "format/blob.h"

struct codec_pool {
	pthread_mutex_t codecs_mtx; /* codecs, idle */
	struct blob_codec **codecs; /* idle ones, room for `capacity` */
	unsigned idle, capacity;
};

/* Keeps at most `capacity` codecs. ERR_NO_MEMORY: nothing to be released. */
int codec_pool_init(struct codec_pool *p, unsigned capacity);
/* All that were got have been put back. */
void codec_pool_release(struct codec_pool *p);
/* One that nobody else uses, to be put back; NULL without memory. */
struct blob_codec *codec_pool_get(struct codec_pool *p);
void codec_pool_put(struct codec_pool *p, struct blob_codec *codec);

#endif
