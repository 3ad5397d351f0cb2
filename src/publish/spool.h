/* SPDX-License-Identifier: MIT */
/*
 * A byte string that grows: in memory up to a limit, beyond that in a temporary file that
 * has no name any more, so that what is kept of each of very many files costs a bounded
 * amount of memory. For the publisher's tables. Blocking; one thread at a time.
 */
#ifndef CAIRN_PUBLISH_SPOOL_H
#define CAIRN_PUBLISH_SPOOL_H

#include "util/bytes.h"

/* Opaque but for its place on the stack. */
struct spool {
	const char *directory;
	uint64_t limit, size;
	uint8_t *memory; /* NULL: the bytes are in the file */
	uint64_t capacity;
	int fd; /* -1: there is no file yet */
};

/* Empty. `directory` (borrowed) is where the file is made; `limit`: bytes that may be in
 * memory. */
void spool_init(struct spool *s, const char *directory, uint64_t limit);
void spool_release(struct spool *s);
/* To `size` bytes, no fewer than there are; those that are new are zero. ERR_NO_MEMORY,
 * and whatever the file met (error_from_errno). */
int spool_grow(struct spool *s, uint64_t size);
/* Of bytes that are there. */
int spool_read(const struct spool *s, uint64_t at, void *buffer, size_t size);
int spool_write(struct spool *s, uint64_t at, const void *data, size_t size);
int spool_append(struct spool *s, const void *data, size_t size);

#endif
