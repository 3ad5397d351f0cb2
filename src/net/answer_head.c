/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/answer_head.h"

/* Bytes of all header lines of a try: of interim answers, of redirects, and trailers.
 * Servers of files send some hundred; what clients take is 64 KiB and more. */
#define HEAD_MAX 65536

bool answer_head_etag_is_clean(const char *etag, size_t size)
{
	if (size == 0 || size >= FETCH_ETAG_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (etag[i] < 0x20 || etag[i] == 0x7f)
			return false;
	return true;
}

/* The value of a header line if it has this name (with its colon), else NULL. */
static const char *header_value(
	const char *line, size_t size, const char *name, size_t *value_size)
{
	size_t name_size = strlen(name);
	const char *value = line + name_size, *end = line + size;

	if (size < name_size || strncasecmp(line, name, name_size))
		return NULL;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	*value_size = (size_t)(end - value);
	return value;
}

void answer_head_forget(struct answer_head *h)
{
	h->etag[0] = '\0';
	h->range_start = h->range_size = UINT64_MAX;
	free(h->location);
	h->location = NULL;
}

/* False without memory. The first of several counts; one that is longer than any URL stays,
 * cut off, too long. */
static bool take_location(struct answer_head *h, const char *value, size_t size)
{
	if (h->location)
		return true;
	h->location = strndup(value, size < URL_SIZE_MAX ? size : URL_SIZE_MAX);
	return h->location;
}

/* "bytes FIRST-LAST/SIZE" (RFC 9110, 14.4). */
static void take_range(struct answer_head *h, const char *value, size_t size)
{
	char text[64];

	if (size >= sizeof text)
		return;
	memcpy(text, value, size);
	text[size] = '\0';
	h->range_size = UINT64_MAX;
	if (sscanf(text, "bytes %" SCNu64 "-%*u/%" SCNu64, &h->range_start,
		    &h->range_size) < 1)
		h->range_start = UINT64_MAX;
}

void answer_head_release(struct answer_head *h)
{
	answer_head_forget(h);
	h->size = 0;
	h->too_long = h->no_memory = false;
}

bool answer_head_take(struct answer_head *h, const char *line, size_t size)
{
	const char *value;
	size_t value_size;

	h->size += size;
	h->too_long = h->size > HEAD_MAX;
	if (h->too_long)
		return false;
	if (size >= 5 && !strncmp(line, "HTTP/", 5))
		answer_head_forget(h);
	value = header_value(line, size, "ETag:", &value_size);
	if (value && answer_head_etag_is_clean(value, value_size)) {
		memcpy(h->etag, value, value_size);
		h->etag[value_size] = '\0';
	}
	value = header_value(line, size, "Content-Range:", &value_size);
	if (value)
		take_range(h, value, value_size);
	value = header_value(line, size, "Location:", &value_size);
	if (value && !take_location(h, value, value_size))
		h->no_memory = true;
	return !h->no_memory;
}
