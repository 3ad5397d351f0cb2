/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/view.h"

#include <stdlib.h>
#include <time.h>

#include "util/error.h"

#define LOOK_NS 1000000 /* between two looks whether somebody is still within */

static struct view *view_new(const struct manifest *m, uint64_t turn)
{
	struct view *view = malloc(sizeof *view);

	if (view)
		*view = (struct view){.turn = turn,
			.revision = m->revision,
			.root = m->root,
			.totals = m->totals};
	return view;
}

int views_init(struct views *v, const struct manifest *m)
{
	struct view *view = view_new(m, 0);

	if (!view)
		return ERR_NO_MEMORY;
	atomic_init(&v->current, view);
	atomic_init(&v->side, 0);
	atomic_init(&v->inside[0], 0);
	atomic_init(&v->inside[1], 0);
	pthread_mutex_init(&v->past_mtx, NULL);
	return 0;
}

void views_release(struct views *v)
{
	pthread_mutex_destroy(&v->past_mtx);
	free((void *)(uintptr_t)atomic_load(&v->current)); /* NOLINT: const is for others */
}

/* Whoever changes the side meanwhile may have seen nobody there: then again. */
const struct view *views_enter(struct views *v, unsigned *side)
{
	for (;;) {
		*side = atomic_load(&v->side);
		atomic_fetch_add(&v->inside[*side], 1);
		if (*side == atomic_load(&v->side))
			return atomic_load(&v->current);
		atomic_fetch_sub(&v->inside[*side], 1);
	}
}

void views_leave(struct views *v, unsigned side)
{
	atomic_fetch_sub(&v->inside[side], 1);
}

struct view *views_next(struct views *v, const struct manifest *m)
{
	return view_new(m, atomic_load(&v->current)->turn + 1);
}

void views_drop(struct view *next)
{
	free(next);
}

void views_change(struct views *v, struct view *next, const struct view **last)
{
	*last = atomic_load(&v->current);
	pthread_mutex_lock(&v->past_mtx);
	v->past[(*last)->turn % VIEWS_PAST] = (*last)->root;
	pthread_mutex_unlock(&v->past_mtx);
	atomic_store(&v->current, next);
}

void views_wait(struct views *v, const struct view *last)
{
	static const struct timespec look = {.tv_nsec = LOOK_NS};
	unsigned side = atomic_fetch_xor(&v->side, 1);

	while (atomic_load(&v->inside[side]))
		nanosleep(&look, NULL);
	free((void *)(uintptr_t)last); /* NOLINT: const is for others */
}

bool views_past(
	struct views *v, const struct view *view, uint64_t turn, struct digest *root)
{
	if (turn >= view->turn ||
		view->turn - turn >= VIEWS_PAST - 1) /* one is being written, maybe */
		return false;
	pthread_mutex_lock(&v->past_mtx);
	*root = v->past[turn % VIEWS_PAST];
	pthread_mutex_unlock(&v->past_mtx);
	return true;
}
