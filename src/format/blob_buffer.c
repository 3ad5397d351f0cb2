/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "format/blob_buffer.h"
#include "util/array.h"

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
	struct blob_buffer *a;

	if (size > SIZE_MAX - sizeof(*a))
		return NULL;
	a = malloc(sizeof(*a) + size);
	if (!a)
		return NULL;
	atomic_init(&a->refs, 1);
	a->kind = kind;
	a->digest = *digest;
	a->size = size;
	return a;
}

struct blob_buffer *blob_buffer_get(struct blob_buffer *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void blob_buffer_put(struct blob_buffer *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}

uint8_t *blob_buffer_data(struct blob_buffer *a)
{
	return a->data;
}

struct span blob_buffer_span(const struct blob_buffer *a)
{
	return span_of(a->data, a->size);
}

const struct digest *blob_buffer_digest(const struct blob_buffer *a)
{
	return &a->digest;
}

enum blob_kind blob_buffer_kind(const struct blob_buffer *a)
{
	return a->kind;
}

int blob_buffers_add(struct blob_buffers *list, struct blob_buffer *a)
{
	size_t capacity = list->capacity;

	if (array_grow(&list->items, &capacity, list->count, sizeof(*list->items))) {
		blob_buffer_put(a);
		return ERR_NO_MEMORY;
	}
	list->capacity = (unsigned)capacity;
	list->items[list->count++] = a;
	return 0;
}

void blob_buffers_release(struct blob_buffers *a)
{
	for (unsigned i = 0; i < a->count; i++)
		blob_buffer_put(a->items[i]);
	free(a->items);
	*a = (struct blob_buffers){0};
}
