/* SPDX-License-Identifier: MIT */
/*
 * Gets over books that cannot be used any more, while the cache is open: those that were
 * found damaged, by this process or another, are set aside and begun anew, once for all who
 * have them open; those that LMDB has given up after a failed write are opened again.
 * Meanwhile they have nothing, and what is read comes from the network. On the writer's
 * thread.
 */
#ifndef CAIRN_CACHE_WRITE_RENEWAL_H
#define CAIRN_CACHE_WRITE_RENEWAL_H

#include "cache/write/write_context.h"

/* Zero-initialised; belongs to one thread. */
struct renewal {
	int64_t next;  /* CLOCK_MONOTONIC ns: not before */
	unsigned vain; /* tries in a row */
};

/* Looks, and does it if need be. True when there are other books, or the same anew. */
bool renewal_run(struct renewal *r, struct write_context *x);

#endif
