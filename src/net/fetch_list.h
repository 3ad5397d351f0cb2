/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists of fetches, in which a fetch is at most once and knows where.
 * For the fetcher alone, under its lock.
 */
#ifndef CAIRN_NET_FETCH_LIST_H
#define CAIRN_NET_FETCH_LIST_H

#include "net/fetch.h"

/* Zero-initialised is empty. */
struct fetch_list {
	struct fetch *first, *last;
	uint64_t count;
};

/* It is in no list. */
void fetch_list_append(struct fetch_list *list, struct fetch *fetch);
void fetch_list_prepend(struct fetch_list *list, struct fetch *fetch);
/* Out of whatever list it is in, if any. */
void fetch_list_remove(struct fetch *fetch);

#endif
