/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>

#include "cache/write/writer.h"
#include "cache/write/reservation.h"
#include "util/clock.h"
#include "util/error.h"

#define DENIED_FOR NS_PER_SECOND

void reservation_init(struct reservation *l)
{
	*l = (struct reservation){0};
	pthread_mutex_init(&l->mtx, NULL);
	pthread_cond_init(&l->cond, NULL);
}

void reservation_release(struct reservation *l)
{
	pthread_cond_destroy(&l->cond);
	pthread_mutex_destroy(&l->mtx);
}

/* mtx is held. */
static bool draw(struct reservation *l, uint64_t bytes)
{
	if (bytes > l->leased - l->used)
		return false;
	l->used += bytes;
	return true;
}

/* mtx is held. Each round that sees a demand either grants it or denies. */
static void ask(struct reservation *l, struct committer *committer, uint64_t bytes)
{
	l->demand += bytes;
	pthread_mutex_unlock(&l->mtx);
	committer_urge(committer);
	pthread_mutex_lock(&l->mtx);
	while (l->leased - l->used < bytes && !l->denied_until)
		pthread_cond_wait(&l->cond, &l->mtx);
	l->demand -= bytes;
}

int reservation_reserve(struct reservation *l, struct committer *committer, uint64_t bytes)
{
	bool granted;

	pthread_mutex_lock(&l->mtx);
	granted = draw(l, bytes);
	if (!granted && l->denied_until && l->denied_until <= clock_monotonic())
		l->denied_until = 0;
	if (!granted && !l->denied_until) {
		ask(l, committer, bytes);
		granted = draw(l, bytes);
	}
	pthread_mutex_unlock(&l->mtx);
	return granted ? 0 : ERR_NO_SPACE;
}

void reservation_cancel(struct reservation *l, uint64_t bytes)
{
	pthread_mutex_lock(&l->mtx);
	assert(bytes <= l->used);
	l->used -= bytes;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mtx);
}

struct reservation_view reservation_view(struct reservation *l)
{
	struct reservation_view v;

	pthread_mutex_lock(&l->mtx);
	v = (struct reservation_view){l->leased, l->used, l->demand};
	pthread_mutex_unlock(&l->mtx);
	return v;
}

void reservation_commit(struct reservation *l, uint64_t settled, uint64_t leased)
{
	pthread_mutex_lock(&l->mtx);
	assert(settled <= l->used);
	l->used -= settled;
	l->leased = leased < l->used ? l->used : leased;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mtx);
}

void reservation_deny(struct reservation *l)
{
	pthread_mutex_lock(&l->mtx);
	l->denied_until = clock_monotonic() + DENIED_FOR;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mtx);
}

uint64_t reservation_shrink(struct reservation *l)
{
	uint64_t leased;

	pthread_mutex_lock(&l->mtx);
	if (!l->demand)
		l->leased = l->used;
	leased = l->leased;
	pthread_mutex_unlock(&l->mtx);
	return leased;
}
