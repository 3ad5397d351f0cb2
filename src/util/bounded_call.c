/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "util/bounded_call.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define LOOK_EVERY_MS 1000

enum call_state {
	CALL_NONE,
	CALL_MADE,    /* nobody has looked at it yet */
	CALL_BEGUN,   /* and may be given up */
	CALL_ENTERED, /* its caller waits to the end */
	CALL_OVER,    /* its caller has not yet looked */
	CALL_GIVEN_UP,
};

struct bounded_call {
	const char *name;
	void *owner;
	pthread_mutex_t bounded_mtx; /* over all below */
	pthread_cond_t made_cond;    /* a call was made, or end */
	pthread_cond_t moved_cond;   /* the state has changed */
	enum call_state state;
	bounded_call_fn fn;
	void *arg;
	int result;
	bool started, end;
	pthread_t thread;
};

struct bounded_call *bounded_call_new(const char *name, void *owner)
{
	struct bounded_call *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->name = name;
	b->owner = owner;
	pthread_mutex_init(&b->bounded_mtx, NULL);
	timed_wait_init(&b->made_cond);
	timed_wait_init(&b->moved_cond);
	return b;
}

/* bounded_mtx is held. */
static void bounded_move_to(struct bounded_call *b, enum call_state state)
{
	b->state = state;
	pthread_cond_broadcast(&b->moved_cond);
}

static void *bounded_call_thread(void *arg)
{
	struct bounded_call *b = arg;

	pthread_mutex_lock(&b->bounded_mtx);
	for (;;) {
		bounded_call_fn fn;
		int rc;

		while (b->state != CALL_MADE && !b->end)
			pthread_cond_wait(&b->made_cond, &b->bounded_mtx);
		if (b->end)
			break;
		b->state = CALL_BEGUN;
		fn = b->fn;
		pthread_mutex_unlock(&b->bounded_mtx);
		rc = fn(b, b->owner);
		pthread_mutex_lock(&b->bounded_mtx);
		b->result = rc;
		bounded_move_to(b, b->state == CALL_GIVEN_UP ? CALL_NONE : CALL_OVER);
	}
	pthread_mutex_unlock(&b->bounded_mtx);
	return NULL;
}

/* bounded_mtx is held. */
static int bounded_call_start(struct bounded_call *b)
{
	int rc;

	if (b->started)
		return 0;
	rc = thread_start(&b->thread, b->name, bounded_call_thread, b);
	b->started = rc == 0;
	return rc;
}

/* bounded_mtx is held. False: the deadline is over. */
static bool wait_for_move(struct bounded_call *b, int64_t deadline)
{
	int64_t ms = (deadline - clock_monotonic()) / NS_PER_MS + 1;

	if (deadline <= clock_monotonic())
		return false;
	timed_wait(&b->moved_cond, &b->bounded_mtx,
		ms > LOOK_EVERY_MS ? LOOK_EVERY_MS : (unsigned)ms);
	return true;
}

/* bounded_mtx is held, and the call is made. */
static int await_result(struct bounded_call *b, int64_t deadline)
{
	while (b->state != CALL_OVER) {
		if (b->state == CALL_ENTERED) {
			pthread_cond_wait(&b->moved_cond, &b->bounded_mtx);
		} else if (!wait_for_move(b, deadline)) {
			bounded_move_to(
				b, b->state == CALL_MADE ? CALL_NONE : CALL_GIVEN_UP);
			return ERR_TIMEOUT;
		}
	}
	bounded_move_to(b, CALL_NONE);
	return b->result;
}

int bounded_call_run(
	struct bounded_call *b, int64_t deadline, bounded_call_fn fn, void *arg)
{
	int rc;

	pthread_mutex_lock(&b->bounded_mtx);
	rc = bounded_call_start(b);
	while (!rc && b->state != CALL_NONE)
		if (!wait_for_move(b, deadline))
			rc = ERR_TIMEOUT;
	if (!rc) {
		b->fn = fn;
		b->arg = arg;
		b->state = CALL_MADE;
		pthread_cond_signal(&b->made_cond);
		rc = await_result(b, deadline);
	}
	pthread_mutex_unlock(&b->bounded_mtx);
	return rc;
}

void *bounded_call_enter(struct bounded_call *b)
{
	void *arg = NULL;

	pthread_mutex_lock(&b->bounded_mtx);
	if (b->state == CALL_BEGUN) {
		b->state = CALL_ENTERED;
		arg = b->arg;
	}
	pthread_mutex_unlock(&b->bounded_mtx);
	return arg;
}

bool bounded_call_is_stuck(struct bounded_call *b)
{
	bool stuck;

	pthread_mutex_lock(&b->bounded_mtx);
	stuck = b->state == CALL_GIVEN_UP;
	pthread_mutex_unlock(&b->bounded_mtx);
	return stuck;
}

bool bounded_call_free(struct bounded_call *b)
{
	bool waits;

	if (!b)
		return true;
	pthread_mutex_lock(&b->bounded_mtx);
	waits = b->state != CALL_NONE;
	b->end = true;
	pthread_cond_signal(&b->made_cond);
	pthread_mutex_unlock(&b->bounded_mtx);
	if (b->started && waits)
		pthread_detach(b->thread);
	if (waits)
		return false;
	if (b->started)
		pthread_join(b->thread, NULL);
	pthread_cond_destroy(&b->moved_cond);
	pthread_cond_destroy(&b->made_cond);
	pthread_mutex_destroy(&b->bounded_mtx);
	free(b);
	return true;
}
