/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "source/codec_pool.h"
#include "util/error.h"

int codec_pool_init(struct codec_pool *p, unsigned capacity)
{
	struct blob_codec **codecs = calloc(capacity, sizeof(struct blob_codec *));

	if (!codecs)
		return ERR_NO_MEMORY;
	*p = (struct codec_pool){.codecs = codecs, .capacity = capacity};
	pthread_mutex_init(&p->codecs_mtx, NULL);
	return 0;
}

void codec_pool_release(struct codec_pool *p)
{
	while (p->idle > 0)
		blob_codec_free(p->codecs[--p->idle]);
	free(p->codecs);
	pthread_mutex_destroy(&p->codecs_mtx);
}

struct blob_codec *codec_pool_get(struct codec_pool *p)
{
	struct blob_codec *codec = NULL;

	pthread_mutex_lock(&p->codecs_mtx);
	if (p->idle > 0)
		codec = p->codecs[--p->idle];
	pthread_mutex_unlock(&p->codecs_mtx);
	return codec ? codec : blob_codec_new();
}

void codec_pool_put(struct codec_pool *p, struct blob_codec *codec)
{
	pthread_mutex_lock(&p->codecs_mtx);
	if (p->idle < p->capacity) {
		p->codecs[p->idle++] = codec;
		codec = NULL;
	}
	pthread_mutex_unlock(&p->codecs_mtx);
	blob_codec_free(codec);
}
