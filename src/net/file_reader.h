/* SPDX-License-Identifier: MIT */
/*
 * Reads whole files for file:// mirrors, on threads of its own: to open or read a file of a
 * dead NFS server takes for ever, and nothing breaks it off. A read that its owner has
 * given up goes on holding its thread; there are so many threads for each store, and when
 * all of them are held so for a second, further reads of it fail at once, like a second
 * read of the same file. Other stores have threads of their own.
 *
 * Threads: all functions from one, the owner's, which is woken when a read is done.
 */
#ifndef CAIRN_NET_FILE_READER_H
#define CAIRN_NET_FILE_READER_H

#include <stdint.h>

#include "util/bytes.h"

struct file_reader;
/* `wake` is called on any thread, until file_reader_free. NULL without memory. */
struct file_reader *file_reader_new(void (*wake)(void *arg), void *arg);
/* All reads have been ended. Does not wait for those that were given up. */
void file_reader_free(struct file_reader *r);

/* One read. Its fields are the owner's once it is done. */
struct file_read {
	void *owner;
	struct bytes body;
	int error; /* 0, ERR_ABSENT, DENIED, LIMIT (longer than size_max), INVALID (no
		    * regular file), IO, ... */
	/* The reader's own: */
	struct file_read *next;
	char *path;
	uint64_t size_max, place;
	int64_t begun; /* CLOCK_MONOTONIC, ns, from READ_WORKING on */
	int state;
};

/* Begins to read `path`, which belongs to the store at `place` (any string). Ended by
 * file_reader_end(). ERR_TIMEOUT: it would hang, as others do. ERR_NO_MEMORY. */
int file_reader_begin(struct file_reader *r, const char *place, const char *path,
	uint64_t size_max, void *owner, struct file_read **out);
/* One that is done, each once; NULL: no more. */
struct file_read *file_reader_next(struct file_reader *r);
/* Ends it, done or not. */
void file_reader_end(struct file_reader *r, struct file_read *read);

#endif
