/* SPDX-License-Identifier: MIT */
/*
 * A verified blob in memory, shared by reference: a chunk as it is, a page or a recipe in
 * its packed form. Filled in by its maker (source/, and the cache when it reads one), never
 * changed once it is shared. Counting references is atomic: any thread. A list of them
 * belongs to one thread at a time.
 */
#ifndef CAIRN_FORMAT_BLOB_BUFFER_H
#define CAIRN_FORMAT_BLOB_BUFFER_H

#include "format/blob.h"

struct blob_buffer;
/* One reference, the caller's; `size` bytes at blob_buffer_data(), to be filled in before
 * it is shared. NULL without memory. */
struct blob_buffer *blob_buffer_new(
	enum blob_kind kind, const struct digest *digest, size_t size);
struct blob_buffer *blob_buffer_get(struct blob_buffer *b);
void blob_buffer_put(struct blob_buffer *b); /* NULL is nothing */

/* What they return is the buffer's, and valid as long as a reference is held. */
uint8_t *blob_buffer_data(struct blob_buffer *b); /* aligned to 16 */
struct span blob_buffer_span(const struct blob_buffer *b);
const struct digest *blob_buffer_digest(const struct blob_buffer *b);
enum blob_kind blob_buffer_kind(const struct blob_buffer *b);

/* What a request has been given so far, one reference each. Zero is empty. */
struct blob_buffers {
	struct blob_buffer **items;
	unsigned count, capacity;
};
/* Takes over the caller's reference, also on failure. ERR_NO_MEMORY. */
int blob_buffers_add(struct blob_buffers *list, struct blob_buffer *b);
void blob_buffers_release(struct blob_buffers *list); /* leaves it empty */

#endif
