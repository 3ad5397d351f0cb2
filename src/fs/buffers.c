/* SPDX-License-Identifier: MIT */
#include "fs/buffers.h"

#include <stdlib.h>

#define ALIGNMENT 4096

void buffers_init(struct buffers *b)
{
	*b = (struct buffers){0};
	pthread_mutex_init(&b->lock, NULL);
}

void buffers_release(struct buffers *b)
{
	for (unsigned i = 0; i < b->count; i++)
		free(b->idle[i]);
	pthread_mutex_destroy(&b->lock);
}

uint8_t *buffers_get(struct buffers *b)
{
	uint8_t *buffer = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->count)
		buffer = b->idle[--b->count];
	pthread_mutex_unlock(&b->lock);
	return buffer ? buffer : aligned_alloc(ALIGNMENT, BUFFER_SIZE);
}

void buffers_put(struct buffers *b, uint8_t *buffer)
{
	pthread_mutex_lock(&b->lock);
	if (b->count < BUFFERS_KEPT) {
		b->idle[b->count++] = buffer;
		buffer = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	free(buffer);
}
