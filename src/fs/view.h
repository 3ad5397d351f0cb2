/* SPDX-License-Identifier: MIT */
/*
 * What a mount shows: one revision, and after an update the next one. Who answers a request
 * is within one view from before it looks until its reply is out; so whoever puts another
 * view in its place knows when all that was said of the last one has been said. Entering
 * costs one atomic addition. Any thread; views_change() by one at a time.
 */
#ifndef CAIRN_FS_VIEW_H
#define CAIRN_FS_VIEW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "format/manifest.h"

struct view {
	uint64_t turn; /* of the node table: counts the views from 0 */
	uint64_t revision;
	struct digest root; /* page */
	struct totals totals;
};

#define VIEWS_PAST 256 /* roots that are remembered, for listings that began there */

struct views {
	_Atomic(const struct view *) current; /* owned */
	atomic_uint side;		      /* where who comes now enters */
	atomic_uint inside[2];		      /* who is within a view, by side */
	pthread_mutex_t past_mtx;
	struct digest past[VIEWS_PAST]; /* roots by turn, behind past_mtx */
};

/* ERR_NO_MEMORY. */
int views_init(struct views *v, const struct manifest *m);
/* Nobody is within a view. */
void views_release(struct views *v);

/* The view as of now, which stays until views_leave() with *side. */
const struct view *views_enter(struct views *v, unsigned *side);
void views_leave(struct views *v, unsigned side);

/* A view of that manifest, to come after the one of now. NULL without memory. */
struct view *views_next(struct views *v, const struct manifest *m);
void views_drop(struct view *next); /* instead */
/* Puts it in place; *last stays until views_wait(). */
void views_change(struct views *v, struct view *next, const struct view **last);
/* Waits until nobody is within *last any more, and frees it. Who waits for the network is
 * within none, so it takes as long as a disk may. */
void views_wait(struct views *v, const struct view *last);

/* The root page of an earlier turn, for who is within `view`. False: that one is not
 * remembered any more, or has not been yet. */
bool views_past(
	struct views *v, const struct view *view, uint64_t turn, struct digest *root);

#endif
