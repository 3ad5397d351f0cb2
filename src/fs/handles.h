/* SPDX-License-Identifier: MIT */
/*
 * What belongs to an open directory: one block of memory that the kernel gives back
 * with its requests and releases at the end. It does not release when the mount goes away
 * first, so all blocks are in one list. Own lock; any thread.
 */
#ifndef CAIRN_FS_HANDLES_H
#define CAIRN_FS_HANDLES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct handles {
	pthread_mutex_t lock;
	struct handle *first; /* lock, and the links */
};

void handles_init(struct handles *h);
/* Frees what was not released. */
void handles_release(struct handles *h);

/* `size` zeroed bytes that hold no other resource; NULL without memory. */
void *handle_new(struct handles *h, size_t size);
void handle_free(struct handles *h, void *block); /* NULL is fine */
/* As `fh` of struct fuse_file_info, and back. 0 is NULL. */
uint64_t handle_number(const void *block);
void *handle_block(uint64_t number);

#endif
