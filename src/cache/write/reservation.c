/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>

#include "cache/write/reservation.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/timed_wait.h"

#define DENIED_FOR NS_PER_SECOND
#define LOOK_EVERY_MS 1000

void reservation_init(struct reservation *r)
{
	*r = (struct reservation){0};
	pthread_mutex_init(&r->reservation_mtx, NULL);
	timed_wait_init(&r->reservation_cond);
}

void reservation_release(struct reservation *r)
{
	pthread_cond_destroy(&r->reservation_cond);
	pthread_mutex_destroy(&r->reservation_mtx);
}

/* reservation_mtx is held. */
static bool try_draw(struct reservation *r, uint64_t bytes)
{
	if (bytes > r->leased - r->used)
		return false;
	r->used += bytes;
	return true;
}

int reservation_draw(struct reservation *r, uint64_t bytes)
{
	int rc = 0;

	pthread_mutex_lock(&r->reservation_mtx);
	if (!try_draw(r, bytes)) {
		if (r->denied_until && r->denied_until <= clock_monotonic())
			r->denied_until = 0;
		rc = r->denied_until ? ERR_NO_SPACE : ERR_PENDING;
	}
	pthread_mutex_unlock(&r->reservation_mtx);
	return rc;
}

void reservation_demand(struct reservation *r, uint64_t bytes)
{
	pthread_mutex_lock(&r->reservation_mtx);
	r->demand += bytes;
	pthread_mutex_unlock(&r->reservation_mtx);
}

int reservation_await(struct reservation *r, uint64_t bytes, int64_t deadline)
{
	int rc = ERR_PENDING;

	pthread_mutex_lock(&r->reservation_mtx);
	while (rc == ERR_PENDING) {
		if (try_draw(r, bytes))
			rc = 0;
		else if (r->denied_until)
			rc = ERR_NO_SPACE;
		else if (clock_monotonic() >= deadline)
			rc = ERR_TIMEOUT;
		else
			timed_wait(
				&r->reservation_cond, &r->reservation_mtx, LOOK_EVERY_MS);
	}
	r->demand -= bytes;
	pthread_mutex_unlock(&r->reservation_mtx);
	return rc;
}

void reservation_cancel(struct reservation *r, uint64_t bytes)
{
	pthread_mutex_lock(&r->reservation_mtx);
	assert(bytes <= r->used);
	r->used -= bytes;
	pthread_cond_broadcast(&r->reservation_cond);
	pthread_mutex_unlock(&r->reservation_mtx);
}

struct reservation_view reservation_view(struct reservation *r)
{
	struct reservation_view v;

	pthread_mutex_lock(&r->reservation_mtx);
	v = (struct reservation_view){r->leased, r->used, r->demand};
	pthread_mutex_unlock(&r->reservation_mtx);
	return v;
}

void reservation_commit(struct reservation *r, uint64_t released, uint64_t leased)
{
	pthread_mutex_lock(&r->reservation_mtx);
	assert(released <= r->used);
	r->used -= released;
	r->leased = leased < r->used ? r->used : leased;
	pthread_cond_broadcast(&r->reservation_cond);
	pthread_mutex_unlock(&r->reservation_mtx);
}

void reservation_deny(struct reservation *r)
{
	pthread_mutex_lock(&r->reservation_mtx);
	r->denied_until = clock_monotonic() + DENIED_FOR;
	pthread_cond_broadcast(&r->reservation_cond);
	pthread_mutex_unlock(&r->reservation_mtx);
}

uint64_t reservation_shrink(struct reservation *r)
{
	uint64_t leased;

	pthread_mutex_lock(&r->reservation_mtx);
	if (!r->demand)
		r->leased = r->used;
	leased = r->leased;
	pthread_mutex_unlock(&r->reservation_mtx);
	return leased;
}
