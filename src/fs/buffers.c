/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/buffers.h"

#include <stdlib.h>

#define ALIGNMENT 4096

void buffers_init(struct buffers *b)
{
	*b = (struct buffers){0};
	pthread_mutex_init(&b->buffers_mtx, NULL);
}

void buffers_release(struct buffers *b)
{
	for (unsigned i = 0; i < b->count; i++)
		free(b->idle[i]);
	pthread_mutex_destroy(&b->buffers_mtx);
}

uint8_t *buffers_get(struct buffers *b)
{
	uint8_t *buffer = NULL;

	pthread_mutex_lock(&b->buffers_mtx);
	if (b->count)
		buffer = b->idle[--b->count];
	pthread_mutex_unlock(&b->buffers_mtx);
	return buffer ? buffer : aligned_alloc(ALIGNMENT, BUFFER_SIZE);
}

void buffers_put(struct buffers *b, uint8_t *buffer)
{
	pthread_mutex_lock(&b->buffers_mtx);
	if (b->count < BUFFERS_KEPT) {
		b->idle[b->count++] = buffer;
		buffer = NULL;
	}
	pthread_mutex_unlock(&b->buffers_mtx);
	free(buffer);
}
