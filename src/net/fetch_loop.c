/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "net/admission.h"
#include "net/fetch_loop.h"
#include "net/lessons.h"
#include "net/retry.h"
#include "net/sweep.h"
#include "net/try_result.h"
#include "util/clock.h"

#define POLL_MOST (60 * NS_PER_SECOND)
#define COUNT_INTERVAL (50 * NS_PER_MS) /* of what is arriving */

int fetch_loop_init(struct fetch_loop *loop, struct log *log, uint64_t memory,
	const struct fetch_try_settings *settings, unsigned connections)
{
	*loop = (struct fetch_loop){.log = log, .awake = true};
	schedule_init(&loop->schedule, memory);
	pthread_mutex_init(&loop->fetch_mtx, NULL);
	return tries_init(&loop->tries, settings, connections);
}

void fetch_loop_release(struct fetch_loop *loop)
{
	tries_release(&loop->tries);
	pthread_mutex_destroy(&loop->fetch_mtx);
}

void fetch_loop_wake(struct fetch_loop *loop)
{
	if (!loop->awake && !pthread_equal(pthread_self(), loop->self))
		tries_wake(&loop->tries);
	loop->awake = true;
}

/* A fetch that could not even be begun. */
static void end_unbegun(
	struct fetch_loop *loop, struct fetch *fetch, const struct trouble *trouble)
{
	pthread_mutex_lock(&loop->fetch_mtx);
	loop->active--;
	fetch->trouble = *trouble;
	schedule_end(&loop->schedule, fetch, trouble->code);
	pthread_mutex_unlock(&loop->fetch_mtx);
}

/* With fetch_mtx held. */
static void note_begun(struct fetch_loop *loop, const struct fetch *fetch, int64_t now)
{
	if (loop->active++ == 0)
		progress_begin(&loop->schedule.progress, now);
	sweep_expect(&loop->schedule, &loop->tries.settings, fetch, now);
}

static bool pick_first(struct fetch_loop *loop, struct admission *out, struct bytes *body)
{
	int64_t now = clock_monotonic();
	bool found;

	pthread_mutex_lock(&loop->fetch_mtx);
	found = admission_pick(&loop->schedule, &loop->tries.origins, now, out);
	if (found) {
		partials_take(&loop->schedule.budget.partials, out->fetch, body);
		note_begun(loop, out->fetch, now);
	}
	pthread_mutex_unlock(&loop->fetch_mtx);
	return found;
}

static void admit_firsts(struct fetch_loop *loop)
{
	struct admission a;
	struct bytes body;
	struct trouble trouble;

	while (pick_first(loop, &a, &body))
		if (!tries_begin(&loop->tries, &a, &body, &trouble))
			end_unbegun(loop, a.fetch, &trouble);
}

static bool pick_second(
	struct fetch_loop *loop, const struct fetch_try *first, struct admission *out)
{
	int64_t now = clock_monotonic();
	bool found;

	pthread_mutex_lock(&loop->fetch_mtx);
	found = admission_double(&loop->schedule, first->fetch, first->mirror,
		&loop->tries.origins, now, out);
	if (found)
		note_begun(loop, first->fetch, now);
	pthread_mutex_unlock(&loop->fetch_mtx);
	return found;
}

static void begin_second(
	struct fetch_loop *loop, struct fetch_try *first, const struct admission *a)
{
	struct trouble trouble;
	struct bytes none = {0};
	struct fetch_try *second = tries_begin(&loop->tries, a, &none, &trouble);

	if (!second) {
		pthread_mutex_lock(&loop->fetch_mtx);
		loop->active--;
		hedge_give_back(&loop->schedule.hedge);
		pthread_mutex_unlock(&loop->fetch_mtx);
		return;
	}
	log_debug(loop->log, "%s: slower than its peers; asking %s too", first->url,
		second->url);
	first->twin = second;
	second->twin = first;
	second->second = true;
}

/* Doubles what the last sweep found to be late. */
static void admit_seconds(struct fetch_loop *loop)
{
	struct admission a;

	for (struct fetch_try *t = loop->tries.first; t; t = t->next) {
		if (t->late && pick_second(loop, t, &a))
			begin_second(loop, t, &a);
		t->late = false;
	}
}

/* Hands what the try received to its fetch. */
static void deliver(struct fetch_try *t, const struct try_result *result)
{
	struct fetch *fetch = t->fetch;

	fetch->body = t->body;
	fetch->pieced = t->resumed > 0;
	fetch->whole = t->body.size;
	if (result->status == 416 || (result->status == 206 && !fetch->pieced))
		fetch->whole = t->head.range_size;
	bytes_init(&t->body);
	fetch->not_modified = result->not_modified;
	fetch->mirror = (int)t->mirror;
	fetch->server = t->server;
	if (!result->not_modified || t->head.etag[0])
		memcpy(fetch->etag, t->head.etag, sizeof fetch->etag);
}

/* The twin of a try that is over: it goes on alone, or with its fetch ends too. */
static void release_twin(struct fetch_loop *loop, struct fetch_try *twin, bool over)
{
	twin->twin = NULL;
	if (!over)
		return;
	pthread_mutex_lock(&loop->fetch_mtx);
	loop->active--;
	pthread_mutex_unlock(&loop->fetch_mtx);
	tries_end(&loop->tries, twin);
}

/* How long the fetch took, whichever of two tries it was that ended it. With fetch_mtx
 * held. */
static void note_pace(struct fetch_loop *loop, const struct fetch_try *t, int64_t now)
{
	const struct fetch_try *first = t->second && t->twin ? t->twin : t;

	hedge_note(&loop->schedule.hedge, now - first->started);
	if (first == t)
		return;
	hedge_give_back(&loop->schedule.hedge);
	mirrors_failed(first->fetch->mirrors, first->server, MIRROR_SLOW, now);
}

static void log_failure(struct fetch_loop *loop, const struct fetch *fetch,
	const struct try_result *result, int64_t now)
{
	bool goes_on;

	pthread_mutex_lock(&loop->fetch_mtx); /* others raise it, deadline and all */
	goes_on = !fetch->impatient && fetch->deadline > now;
	pthread_mutex_unlock(&loop->fetch_mtx);
	if (fetch->tells && fetch->state.tries == 1 && result->outcome == TRY_FAILED &&
		goes_on)
		log_warning(loop->log, "%s; trying again", result->trouble.text);
	else
		log_info(loop->log, "%s", result->trouble.text);
}

static void log_success(struct fetch_loop *loop, const struct fetch_try *t, int64_t now)
{
	static const char *const why[] = {"", ", read ahead", ", prefetched"};
	enum fetch_priority priority;

	if (!log_takes(loop->log, LOG_LEVEL_INFO))
		return;
	pthread_mutex_lock(&loop->fetch_mtx);
	priority = t->fetch->priority;
	pthread_mutex_unlock(&loop->fetch_mtx);
	log_info(loop->log, "fetched %s: %zu bytes in %.1f ms%s", t->url, t->body.size,
		(double)(now - t->started) / NS_PER_MS, why[priority]);
}

/* What the next try need not bring again. One that got further than all before is no
 * reason to wait longer for the next. With fetch_mtx held. */
static void keep_partial(
	struct fetch_loop *loop, struct fetch_try *t, const struct try_result *result)
{
	struct fetch_state *state = &t->fetch->state;

	state->whole = state->whole || result->whole;
	if (!t->too_long)
		partials_keep(&loop->schedule.budget.partials, t->fetch, &t->body);
	if (state->partial.size > t->had)
		state->tries = 1;
}

/* Takes a try that is over out of everything. */
static void finish_try(struct fetch_loop *loop, struct fetch_try *t)
{
	struct fetch *fetch = t->fetch;
	struct try_result result;
	int64_t now = clock_monotonic();
	bool over = true;

	try_result_classify(t, &result);
	lessons_take(t, &result, loop->log, now);
	if (result.outcome == TRY_GIVEN)
		log_success(loop, t, now);
	else if (t->stop != STOP_CANCELLED)
		log_failure(loop, fetch, &result, now);

	pthread_mutex_lock(&loop->fetch_mtx);
	loop->active--;
	sweep_note_progress(&loop->schedule, t, now);
	if (fetch->state.cancelled || loop->stopping) {
		schedule_interrupt(&loop->schedule, fetch);
	} else if (result.outcome == TRY_GIVEN) {
		deliver(t, &result);
		note_pace(loop, t, now);
		progress_complete(&loop->schedule.progress, now);
		schedule_succeed(&loop->schedule, fetch);
	} else if (result.outcome == TRY_LARGE) {
		keep_partial(loop, t, &result);
		schedule_enlarge(&loop->schedule, fetch);
	} else if (t->twin) {
		keep_partial(loop, t, &result);
		retry_note_failure(fetch, t->mirror, &result);
		over = false;
	} else {
		keep_partial(loop, t, &result);
		retry_fetch(&loop->schedule, fetch, t->mirror, &result, now);
	}
	pthread_mutex_unlock(&loop->fetch_mtx);
	if (t->twin)
		release_twin(loop, t->twin, over);
	tries_end(&loop->tries, t);
}

/* A redirect was followed: its server has the time to connect that the first one had. */
static void note_hop(struct fetch_loop *loop)
{
	pthread_mutex_lock(&loop->fetch_mtx);
	schedule_sweep_by(
		&loop->schedule, clock_monotonic() + loop->tries.settings.connect_timeout);
	pthread_mutex_unlock(&loop->fetch_mtx);
}

/* True when a try has ended, so that others may begin. */
static bool finish_ended(struct fetch_loop *loop)
{
	struct fetch_try *t;
	bool any = false;

	tries_perform(&loop->tries);
	while ((t = tries_next_ended(&loop->tries))) {
		if (tries_follow(&loop->tries, t) || tries_authorize(&loop->tries, t)) {
			note_hop(loop);
			continue;
		}
		finish_try(loop, t);
		any = true;
	}
	return any;
}

static void sweep_if_due(struct fetch_loop *loop)
{
	int64_t now = clock_monotonic();
	struct fetch_try *t;
	bool stop = false;

	pthread_mutex_lock(&loop->fetch_mtx);
	if (loop->stopping || now >= loop->schedule.sweep_at)
		stop = sweep_run(&loop->schedule, &loop->tries, now, loop->stopping);
	pthread_mutex_unlock(&loop->fetch_mtx);
	/* One that is finished may take its twin along, hence from the start each time. */
	while (stop && (t = tries_find_stopped(&loop->tries)))
		finish_try(loop, t);
}

/* Calls done() for all that have ended. True when there was one. */
static bool hand_over(struct fetch_loop *loop)
{
	struct fetch *fetch;
	bool any = false;

	for (;;) {
		pthread_mutex_lock(&loop->fetch_mtx);
		fetch = schedule_next_ended(&loop->schedule);
		pthread_mutex_unlock(&loop->fetch_mtx);
		if (!fetch)
			return any;
		any = true;
		fetch->done(fetch);
	}
}

/* Milliseconds to sleep, 0 when something is to be looked at. */
static int sleep_time(struct fetch_loop *loop)
{
	int64_t now = clock_monotonic(), left;

	pthread_mutex_lock(&loop->fetch_mtx);
	left = loop->schedule.sweep_at > now ? loop->schedule.sweep_at - now : 0;
	if (loop->awake)
		left = 0;
	pthread_mutex_unlock(&loop->fetch_mtx);
	if (left > POLL_MOST)
		left = POLL_MOST;
	if (loop->uncounted && left > COUNT_INTERVAL)
		left = COUNT_INTERVAL;
	return (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

/* False when all is done. From here on the thread has to be told of what is new. */
static bool goes_on(struct fetch_loop *loop)
{
	bool go;

	pthread_mutex_lock(&loop->fetch_mtx);
	go = !loop->stopping || loop->tries.first || !schedule_is_empty(&loop->schedule);
	loop->self = pthread_self();
	loop->awake = false;
	pthread_mutex_unlock(&loop->fetch_mtx);
	return go;
}

/* What came of those that are under way: of two tries of one fetch, of the first. */
static void count_arriving(struct fetch_loop *loop)
{
	int64_t now = clock_coarse();
	uint64_t bytes = 0;

	loop->uncounted = now - loop->counted < COUNT_INTERVAL;
	if (loop->uncounted)
		return;
	loop->counted = now;
	for (const struct fetch_try *t = loop->tries.first; t; t = t->next)
		if (!t->second)
			bytes += t->body.size;
	atomic_store_explicit(&loop->arriving, bytes, memory_order_relaxed);
}

void fetch_loop_run(struct fetch_loop *loop)
{
	bool more;

	while (goes_on(loop)) {
		sweep_if_due(loop);
		admit_seconds(loop);
		admit_firsts(loop);
		more = finish_ended(loop);
		count_arriving(loop);
		more = hand_over(loop) || more;
		if (!more)
			tries_poll(&loop->tries, sleep_time(loop));
	}
}
