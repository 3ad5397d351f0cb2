/* SPDX-License-Identifier: MIT */
/*
 * The pages that wait for their commit, by digest: a table for write_queue.c, under its
 * lock. Only the count may be read without it.
 */
#ifndef CAIRN_CACHE_WRITE_PENDING_PAGES_H
#define CAIRN_CACHE_WRITE_PENDING_PAGES_H

#include <stdatomic.h>

#include "format/blob_buffer.h"

#define PENDING_BUCKETS 512

struct pending_page;
struct pending_pages {
	struct pending_page *buckets[PENDING_BUCKETS];
	size_t bytes; /* of all pages */
	atomic_size_t count;
};

/* Borrowed; NULL. */
struct blob_buffer *pending_pages_find(
	struct pending_pages *p, const struct digest *digest);
/* Shares the reference. It is not there yet. ERR_NO_MEMORY. */
int pending_pages_add(struct pending_pages *p, struct blob_buffer *page);
/* It is there. */
void pending_pages_remove(struct pending_pages *p, const struct digest *digest);

#endif
