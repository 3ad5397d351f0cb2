/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "format/blob_buffer.h"
#include "util/array.h"
#include "util/error.h"

struct blob_buffer {
	atomic_uint refs;
	enum blob_kind kind;
	struct digest digest;
	size_t size;
	_Alignas(16) uint8_t data[];
};

struct blob_buffer *blob_buffer_new(
	enum blob_kind kind, const struct digest *digest, size_t size)
{
	struct blob_buffer *b;

	if (size > SIZE_MAX - sizeof *b)
		return NULL;
	b = malloc(sizeof *b + size);
	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	b->kind = kind;
	b->digest = *digest;
	b->size = size;
	return b;
}

struct blob_buffer *blob_buffer_get(struct blob_buffer *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void blob_buffer_put(struct blob_buffer *b)
{
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
}

uint8_t *blob_buffer_data(struct blob_buffer *b)
{
	return b->data;
}

struct span blob_buffer_span(const struct blob_buffer *b)
{
	return span_of(b->data, b->size);
}

const struct digest *blob_buffer_digest(const struct blob_buffer *b)
{
	return &b->digest;
}

enum blob_kind blob_buffer_kind(const struct blob_buffer *b)
{
	return b->kind;
}

int blob_buffers_add(struct blob_buffers *list, struct blob_buffer *b)
{
	size_t capacity = list->capacity;

	if (array_grow(&list->items, &capacity, list->count, sizeof *list->items)) {
		blob_buffer_put(b);
		return ERR_NO_MEMORY;
	}
	list->capacity = (unsigned)capacity;
	list->items[list->count++] = b;
	return 0;
}

void blob_buffers_release(struct blob_buffers *list)
{
	for (unsigned i = 0; i < list->count; i++)
		blob_buffer_put(list->items[i]);
	free(list->items);
	*list = (struct blob_buffers){0};
}
