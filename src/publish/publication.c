/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <time.h>

#include "publish/publication.h"

int publication_init(struct publication *p, unsigned buffers_max)
{
	pthread_condattr_t monotonic;

	p->buffers = calloc(buffers_max, sizeof *p->buffers);
	if (!p->buffers)
		return ERR_NO_MEMORY;
	p->buffers_max = buffers_max;
	pthread_mutex_init(&p->publication_mtx, NULL);
	pthread_condattr_init(&monotonic);
#ifndef __APPLE__ /* has no such clock for conditions */
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
#endif
	pthread_cond_init(&p->publication_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

void publication_release(struct publication *p)
{
	if (!p->buffers)
		return;
	while (p->buffer_count > 0)
		free(p->buffers[--p->buffer_count]);
	free(p->buffers);
	p->buffers = NULL;
	pthread_cond_destroy(&p->publication_cond);
	pthread_mutex_destroy(&p->publication_mtx);
}

int publication_fail(struct publication *p, int rc, const struct trouble *t)
{
	pthread_mutex_lock(&p->publication_mtx);
	if (!p->failure) {
		p->failure = rc;
		if (t && t->code)
			p->trouble = *t;
		atomic_store(&p->failed, true);
	}
	pthread_cond_broadcast(&p->publication_cond);
	pthread_mutex_unlock(&p->publication_mtx);
	return rc;
}

int publication_failure(struct publication *p, struct trouble *t)
{
	int rc;

	pthread_mutex_lock(&p->publication_mtx);
	rc = p->failure;
	if (rc && t && p->trouble.code)
		*t = p->trouble;
	pthread_mutex_unlock(&p->publication_mtx);
	return rc;
}

uint8_t *publication_take_buffer(struct publication *p)
{
	uint8_t *buffer = NULL;
	bool make = false;

	pthread_mutex_lock(&p->publication_mtx);
	if (p->buffer_count > 0)
		buffer = p->buffers[--p->buffer_count];
	else if (p->buffers_made < p->buffers_max)
		make = ++p->buffers_made > 0;
	pthread_mutex_unlock(&p->publication_mtx);
	return make ? malloc(CHUNK_SIZE_MAX) : buffer;
}

void publication_give_buffer(struct publication *p, uint8_t *buffer)
{
	pthread_mutex_lock(&p->publication_mtx);
	p->buffers[p->buffer_count++] = buffer;
	pthread_mutex_unlock(&p->publication_mtx);
}
