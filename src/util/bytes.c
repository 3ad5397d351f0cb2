/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

#define BYTES_CAPACITY_MIN 64

void bytes_init(struct bytes *b)
{
	*b = (struct bytes){0};
}

void bytes_release(struct bytes *b)
{
	free(b->data);
	bytes_init(b);
}

int bytes_reserve(struct bytes *b, size_t more)
{
	size_t need, capacity = b->capacity;
	uint8_t *data;

	if (__builtin_add_overflow(b->size, more, &need) || need > PTRDIFF_MAX)
		return ERR_NO_MEMORY;
	if (need <= capacity)
		return 0;
	capacity = capacity > PTRDIFF_MAX / 2 ? need : capacity * 2;
	if (capacity < need)
		capacity = need;
	if (capacity < BYTES_CAPACITY_MIN)
		capacity = BYTES_CAPACITY_MIN;
	data = realloc(b->data, capacity);
	if (!data)
		return ERR_NO_MEMORY;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int bytes_append(struct bytes *b, const void *data, size_t size)
{
	int rc;

	if (size == 0)
		return 0;
	rc = bytes_reserve(b, size);
	if (rc)
		return rc;
	memcpy(b->data + b->size, data, size);
	b->size += size;
	return 0;
}

int bytes_append_string(struct bytes *b, const char *s)
{
	return bytes_append(b, s, strlen(s));
}

void bytes_trim(struct bytes *b)
{
	uint8_t *data;

	if (b->size == 0) {
		bytes_release(b);
		return;
	}
	data = realloc(b->data, b->size);
	if (!data)
		return;
	b->data = data;
	b->capacity = b->size;
}

void bytes_clear(struct bytes *b)
{
	b->size = 0;
}

struct span span_of(const void *data, size_t size)
{
	return (struct span){data, size};
}

struct span span_of_string(const char *s)
{
	return span_of(s, s ? strlen(s) : 0);
}

struct span span_of_bytes(const struct bytes *b)
{
	return span_of(b->data, b->size);
}

struct span span_of_part(const struct bytes *b, size_t at, size_t size)
{
	assert(at <= b->size && size <= b->size - at);
	return span_of(at ? b->data + at : b->data, size);
}

bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int span_compare(struct span a, struct span b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

char *span_to_string(struct span s)
{
	char *copy = s.size < PTRDIFF_MAX ? malloc(s.size + 1) : NULL;

	if (!copy)
		return NULL;
	if (s.size)
		memcpy(copy, s.data, s.size);
	copy[s.size] = '\0';
	return copy;
}
