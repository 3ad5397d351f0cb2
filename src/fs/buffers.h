/* SPDX-License-Identifier: MIT */
/*
 * Buffers for large replies, kept warm between requests: a fresh one of a megabyte costs
 * 256 page faults. Only a request that is being tried holds one. Own lock; any thread.
 */
#ifndef CAIRN_FS_BUFFERS_H
#define CAIRN_FS_BUFFERS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFER_SIZE (1u << 20) /* bytes: the most that the kernel asks for at once */
#define BUFFERS_KEPT 8

struct buffers {
	pthread_mutex_t buffers_mtx; /* all below */
	uint8_t *idle[BUFFERS_KEPT];
	unsigned count;
};

void buffers_init(struct buffers *b);
void buffers_release(struct buffers *b); /* all have been put back */
/* BUFFER_SIZE bytes, page-aligned; NULL without memory. */
uint8_t *buffers_get(struct buffers *b);
void buffers_put(struct buffers *b, uint8_t *buffer);

#endif
