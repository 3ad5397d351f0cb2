/* SPDX-License-Identifier: MIT */
/*
 * The pages of LMDB's file that are free to be used again, once nobody reads a state any
 * more in which they were in use. Any thread, also within a transaction.
 */
#ifndef CAIRN_CACHE_META_FREE_PAGES_H
#define CAIRN_CACHE_META_FREE_PAGES_H

#include "cache/meta/metadata.h"

/* Bytes, of all transactions from number `since` on; 0 when it cannot be read. */
uint64_t free_pages_since(struct metadata *m, size_t since);
static inline uint64_t free_pages_bytes(struct metadata *m)
{
	return free_pages_since(m, 0);
}

#endif
