/* SPDX-License-Identifier: MIT */
#include "fs/handles.h"

#include <stdalign.h>
#include <stdlib.h>

struct handle {
	struct handle *next, *previous;
	alignas(max_align_t) unsigned char block[];
};

void handles_init(struct handles *h)
{
	*h = (struct handles){0};
	pthread_mutex_init(&h->lock, NULL);
}

void handles_release(struct handles *h)
{
	struct handle *next;

	for (struct handle *at = h->first; at; at = next) {
		next = at->next;
		free(at);
	}
	pthread_mutex_destroy(&h->lock);
}

void *handle_new(struct handles *h, size_t size)
{
	struct handle *handle = calloc(1, sizeof *handle + size);

	if (!handle)
		return NULL;
	pthread_mutex_lock(&h->lock);
	handle->next = h->first;
	if (handle->next)
		handle->next->previous = handle;
	h->first = handle;
	pthread_mutex_unlock(&h->lock);
	return handle->block;
}

void handle_free(struct handles *h, void *block)
{
	struct handle *handle;

	if (!block)
		return;
	handle = (struct handle *)((unsigned char *)block - offsetof(struct handle, block));
	pthread_mutex_lock(&h->lock);
	if (handle->previous)
		handle->previous->next = handle->next;
	else
		h->first = handle->next;
	if (handle->next)
		handle->next->previous = handle->previous;
	pthread_mutex_unlock(&h->lock);
	free(handle);
}

uint64_t handle_number(const void *block)
{
	return (uintptr_t)block;
}

void *handle_block(uint64_t number)
{
	return (void *)(uintptr_t)number;
}
