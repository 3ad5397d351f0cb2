/* SPDX-License-Identifier: MIT */
/*
 * The requests of a mount that wait for something, each held by references, so that the
 * end of the mount finds them all while others answer them. Own lock, held for a few
 * instructions; any thread.
 */
#ifndef CAIRN_FS_PARKED_LIST_H
#define CAIRN_FS_PARKED_LIST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Embedded in what is listed. */
struct parked_link {
	atomic_uint references;
	struct parked_link *next, *previous; /* the list's lock */
};

struct parked_list {
	pthread_mutex_t list_mtx; /* all below */
	pthread_cond_t gone_cond; /* one less */
	struct parked_link *first;
	unsigned count;
};

void parked_list_init(struct parked_list *l);
/* It is empty. */
void parked_list_release(struct parked_list *l);
/* With one reference, the caller's. */
void parked_list_add(struct parked_list *l, struct parked_link *p);
/* One reference more, for who has one. */
void parked_list_share(struct parked_link *p);
/* So many references less, all of them the caller's. True: no other is left, and what is
 * listed is the caller's to end; it stays in the list until parked_list_remove(). */
bool parked_list_put(struct parked_link *p, unsigned references);
void parked_list_remove(struct parked_list *l, struct parked_link *p);
/* One of them, with a reference for the caller; waits for those whose last reference is
 * gone. NULL: none is left. */
struct parked_link *parked_list_get(struct parked_list *l);
/* The first `room` of them, those that were added last first, each with a reference for the
 * caller; but for those whose last one is gone. *count: of all. */
unsigned parked_list_all(
	struct parked_list *l, struct parked_link **out, unsigned room, unsigned *count);
unsigned parked_list_count(struct parked_list *l);

#endif
