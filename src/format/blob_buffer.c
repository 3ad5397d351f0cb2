/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "cache/insert.h"
#include "util/array.h"

struct arrival {
	atomic_uint refs;
	enum blob_kind kind;
	struct digest digest;
	size_t size;
	_Alignas(16) uint8_t data[];
};

struct arrival *arrival_new(enum blob_kind kind, const struct digest *digest, size_t size)
{
	struct arrival *a;

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

struct arrival *arrival_get(struct arrival *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void arrival_put(struct arrival *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}

uint8_t *arrival_data(struct arrival *a)
{
	return a->data;
}

struct span arrival_span(const struct arrival *a)
{
	return span_of(a->data, a->size);
}

const struct digest *arrival_digest(const struct arrival *a)
{
	return &a->digest;
}

enum blob_kind arrival_kind(const struct arrival *a)
{
	return a->kind;
}

int arrivals_add(struct arrivals *list, struct arrival *a)
{
	size_t capacity = list->capacity;

	if (grow_array(&list->items, &capacity, list->count, sizeof(*list->items))) {
		arrival_put(a);
		return ERR_NO_MEMORY;
	}
	list->capacity = (unsigned)capacity;
	list->items[list->count++] = a;
	return 0;
}

void arrivals_release(struct arrivals *a)
{
	for (unsigned i = 0; i < a->count; i++)
		arrival_put(a->items[i]);
	free(a->items);
	*a = (struct arrivals){0};
}
