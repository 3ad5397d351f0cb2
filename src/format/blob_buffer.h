/* SPDX-License-Identifier: MIT */
/*
 * A verified blob in memory, shared by reference: a chunk as it is, a page or recipe in
 * its packed form. Filled in by its maker, never changed once it is shared. Any thread.
 */
#ifndef CAIRN_FORMAT_BLOB_BUFFER_H
#define CAIRN_FORMAT_BLOB_BUFFER_H

#include "format/blob.h"
#include "util/bytes.h"
#include "util/digest.h"

struct blob_buffer;
struct blob_buffer *blob_buffer_get(struct blob_buffer *a);
void blob_buffer_put(struct blob_buffer *a);

/* What a request has been given so far; embedded in its waiter. Zero is empty. */
struct blob_buffers {
	struct blob_buffer **items;
	unsigned count, capacity;
};
void blob_buffers_release(struct blob_buffers *a);

/* A blob in memory with one reference, `size` bytes at blob_buffer_data() to be filled in
 * by the maker before it is shared. NULL without memory. */
struct blob_buffer *blob_buffer_new(
	enum blob_kind kind, const struct digest *digest, size_t size);
uint8_t *blob_buffer_data(struct blob_buffer *a);
struct span blob_buffer_span(const struct blob_buffer *a);
const struct digest *blob_buffer_digest(const struct blob_buffer *a);
enum blob_kind blob_buffer_kind(const struct blob_buffer *a);
/* Takes over the caller's reference. */
int blob_buffers_add(struct blob_buffers *list, struct blob_buffer *a);

#endif
