/* SPDX-License-Identifier: MIT */
/*
 * What all threads of one publish share: where they read and write, the first failure,
 * progress, and a fixed number of chunk buffers, which is what bounds the memory of large
 * files. Lock: publication_mtx, a leaf; never held across I/O.
 */
#ifndef CAIRN_PUBLISH_PUBLICATION_H
#define CAIRN_PUBLISH_PUBLICATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "publish/blobs.h"
#include "publish/overrides.h"
#include "util/workers.h"

struct publication {
	int root;			   /* the source's directory */
	const char *source;		   /* its name */
	const struct overrides *overrides; /* or NULL; borrowed */
	struct workers *workers;
	struct scratches *scratches;
	struct blobs *blobs;
	atomic_bool failed;
	atomic_uint_fast64_t bytes; /* of data: read, or known unchanged */
	atomic_uint_fast64_t read_bytes;

	pthread_mutex_t publication_mtx; /* the fields below, and some of struct unit */
	pthread_cond_t publication_cond; /* a unit is done, or it failed */
	int failure;			 /* the first, or 0 */
	struct trouble trouble;
	uint8_t **buffers; /* free ones */
	unsigned buffer_count, buffers_made, buffers_max;
	uint64_t page_bytes; /* of pages that wait for a worker */
};

/* The members above publication_mtx are set by the caller. `buffers_max`: of
 * CHUNK_SIZE_MAX bytes. ERR_NO_MEMORY. */
int publication_init(struct publication *p, unsigned buffers_max);
void publication_release(struct publication *p);
/* Keeps the first; wakes who waits. `t` may be empty. Returns `rc`. */
int publication_fail(struct publication *p, int rc, const struct trouble *t);
/* 0, or the first failure with its words. */
int publication_failure(struct publication *p, struct trouble *t);
/* NULL when all are in use: then work on the chunk at once, in the buffer at hand. */
uint8_t *publication_take_buffer(struct publication *p);
void publication_give_buffer(struct publication *p, uint8_t *buffer);

#endif
