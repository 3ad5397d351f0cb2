/* SPDX-License-Identifier: MIT */
/*
 * The fetcher's thread and its door. Who goes when is schedule.c's business, one try
 * fetch_try.c's, what came of it try_result.c's.
 *
 * Lock order: fetcher.mtx, then the mutex of a struct mirrors. Nothing else is called
 * under mtx, and libcurl never but to wake the thread.
 */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "net/fetch_try.h"
#include "net/fetcher.h"
#include "net/origins.h"
#include "net/schedule.h"
#include "net/try_result.h"
#include "util/clock.h"

#define MEMORY_DEFAULT (64u << 20)
#define CONNECTIONS_DEFAULT 16
#define CONNECTIONS_MAX 256
#define CONNECT_TIMEOUT_DEFAULT (10 * NS_PER_SECOND)
#define STALL_TIMEOUT_DEFAULT (15 * NS_PER_SECOND)

#define SWEEP_PAUSE (10 * NS_PER_MS) /* deadlines hold to this, however many there are */
#define LATE_PAUSE (100 * NS_PER_MS) /* before a second try is thought of once more */
#define POLL_MOST (60 * NS_PER_SECOND)
#define IDLE_MAX 32 /* tries kept for use again */

struct fetcher {
	/* Set before the thread starts. */
	struct log *log;
	struct fetch_try_settings settings;
	CURLM *multi;
	pthread_t thread;

	/* The thread's own. */
	struct fetch_try *tries; /* under way */
	struct fetch_try *idle;
	unsigned idle_count;
	struct origins origins;

	pthread_mutex_t
		mtx; /* guards all below, and state, priority, deadline of a fetch */
	struct schedule schedule;
	uint64_t active; /* tries begun, not yet over */
	pthread_t self;	 /* of the thread, once it is not `awake` */
	bool awake;	 /* the thread will look at the schedule before it sleeps */
	bool stopping;
};

/* With mtx held. */
static void wake(struct fetcher *f)
{
	if (!f->awake && !pthread_equal(pthread_self(), f->self))
		curl_multi_wakeup(f->multi);
	f->awake = true;
}

static struct fetch_try *take_try(struct fetcher *f)
{
	struct fetch_try *t = f->idle;

	if (!t)
		return fetch_try_new();
	f->idle = t->next;
	f->idle_count--;
	return t;
}

static void put_try(struct fetcher *f, struct fetch_try *t)
{
	fetch_try_end(t);
	if (f->idle_count == IDLE_MAX) {
		fetch_try_free(t);
		return;
	}
	t->next = f->idle;
	f->idle = t;
	f->idle_count++;
}

/* A fetch that could not even be begun. */
static void give_up(struct fetcher *f, struct fetch *fetch, const struct trouble *trouble)
{
	pthread_mutex_lock(&f->mtx);
	f->active--;
	fetch->trouble = *trouble;
	schedule_end(&f->schedule, fetch, trouble->code);
	pthread_mutex_unlock(&f->mtx);
}

/* NULL: it could not be begun, *trouble tells why. */
static struct fetch_try *begin(
	struct fetcher *f, const struct admission *a, struct trouble *trouble)
{
	struct fetch_try *t = take_try(f);

	*trouble = (struct trouble){.code = ERR_NO_MEMORY, .text = "out of memory"};
	if (!t)
		return NULL;
	if (fetch_try_begin(t, a, &f->settings, trouble) ||
		curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) {
		put_try(f, t);
		return NULL;
	}
	a->origin->active++;
	t->next = f->tries;
	f->tries = t;
	return t;
}

/* With mtx held. */
static void note_begun(struct fetcher *f, const struct fetch *fetch, int64_t now)
{
	f->active++;
	schedule_sweep_by(&f->schedule, now + f->settings.connect_timeout);
	schedule_sweep_by(&f->schedule, now + f->settings.stall_timeout);
	if (mirrors_count(fetch->mirrors) > 1)
		schedule_sweep_by(&f->schedule, now + hedge_patience(&f->schedule.hedge));
}

static bool pick(struct fetcher *f, struct admission *out)
{
	int64_t now = clock_monotonic();
	bool found;

	pthread_mutex_lock(&f->mtx);
	found = schedule_pick(&f->schedule, &f->origins, now, out);
	if (found)
		note_begun(f, out->fetch, now);
	pthread_mutex_unlock(&f->mtx);
	return found;
}

static void admit(struct fetcher *f)
{
	struct admission a;
	struct trouble trouble;

	while (pick(f, &a))
		if (!begin(f, &a, &trouble))
			give_up(f, a.fetch, &trouble);
}

static bool pick_second(
	struct fetcher *f, const struct fetch_try *first, struct admission *out)
{
	int64_t now = clock_monotonic();
	bool found;

	pthread_mutex_lock(&f->mtx);
	found = schedule_double(
		&f->schedule, first->fetch, first->mirror, &f->origins, now, out);
	if (found)
		note_begun(f, first->fetch, now);
	pthread_mutex_unlock(&f->mtx);
	return found;
}

static void begin_second(
	struct fetcher *f, struct fetch_try *first, const struct admission *a)
{
	struct trouble trouble;
	struct fetch_try *second = begin(f, a, &trouble);

	if (!second) {
		pthread_mutex_lock(&f->mtx);
		f->active--;
		hedge_give_back(&f->schedule.hedge);
		pthread_mutex_unlock(&f->mtx);
		return;
	}
	log_debug(f->log, "%s: slower than its peers; asking %s too", first->url,
		second->url);
	first->twin = second;
	second->twin = first;
	second->second = true;
}

/* Doubles what the last sweep found to be late. */
static void admit_seconds(struct fetcher *f)
{
	struct admission a;

	for (struct fetch_try *t = f->tries; t; t = t->next) {
		if (t->late && pick_second(f, t, &a))
			begin_second(f, t, &a);
		t->late = false;
	}
}

/* What was learnt about the server. */
static void note_health(struct fetch_try *t, const struct try_result *result, int64_t now)
{
	struct mirrors *m = t->fetch->mirrors;
	long version = 0;

	if (t->answered && !t->stop) {
		curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
		t->origin->multiplexing = version >= CURL_HTTP_VERSION_2_0
						  ? MULTIPLEXING_YES
						  : MULTIPLEXING_NO;
	}
	if (result->outcome == TRY_GIVEN)
		mirrors_succeeded(m, t->mirror, now - t->started, t->body.size);
	else if (result->unwell)
		mirrors_failed(m, t->mirror, result->fault, now);
	else if (t->answered)
		mirrors_succeeded(m, t->mirror, 0, 0);
}

/* Hands what the try received to its fetch. */
static void deliver(struct fetch_try *t, const struct try_result *result)
{
	struct fetch *fetch = t->fetch;

	fetch->body = t->body;
	bytes_init(&t->body);
	fetch->not_modified = result->not_modified;
	fetch->mirror = (int)t->mirror;
	if (!result->not_modified || t->etag[0])
		memcpy(fetch->etag, t->etag, sizeof(fetch->etag));
}

static void unlink_try(struct fetcher *f, struct fetch_try *t)
{
	struct fetch_try **at = &f->tries;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->origin->active--;
}

static void leave(struct fetcher *f, struct fetch_try *t)
{
	curl_multi_remove_handle(f->multi, t->easy);
	unlink_try(f, t);
}

/* The twin of a try that is over: it goes on alone, or with its fetch ends too. */
static void release_twin(struct fetcher *f, struct fetch_try *twin, bool over)
{
	twin->twin = NULL;
	if (!over)
		return;
	leave(f, twin);
	pthread_mutex_lock(&f->mtx);
	f->active--;
	pthread_mutex_unlock(&f->mtx);
	put_try(f, twin);
}

/* How long the fetch took, whichever of two tries it was that ended it. With mtx held. */
static void note_pace(struct fetcher *f, const struct fetch_try *t, int64_t now)
{
	const struct fetch_try *first = t->second && t->twin ? t->twin : t;

	hedge_note(&f->schedule.hedge, now - first->started);
	if (first == t)
		return;
	hedge_give_back(&f->schedule.hedge);
	mirrors_failed(first->fetch->mirrors, first->mirror, MIRROR_SLOW, now);
}

/* Takes a try that is over out of everything. */
static void finish(struct fetcher *f, struct fetch_try *t)
{
	struct fetch *fetch = t->fetch;
	struct try_result result;
	int64_t now = clock_monotonic();
	bool over = true;

	try_result_classify(t, &result);
	note_health(t, &result, now);
	if (result.outcome != TRY_GIVEN && t->stop != STOP_CANCELLED)
		log_debug(f->log, "%s", result.trouble.text);
	leave(f, t);

	pthread_mutex_lock(&f->mtx);
	f->active--;
	if (fetch->state.cancelled || f->stopping) {
		schedule_interrupt(&f->schedule, fetch);
	} else if (result.outcome == TRY_GIVEN) {
		deliver(t, &result);
		note_pace(f, t, now);
		schedule_succeed(&f->schedule, fetch);
	} else if (t->twin) {
		schedule_note_failure(fetch, t->mirror, &result, now);
		over = false;
	} else {
		schedule_retry(&f->schedule, fetch, t->mirror, &result, now);
	}
	pthread_mutex_unlock(&f->mtx);
	if (t->twin)
		release_twin(f, t->twin, over);
	put_try(f, t);
}

/* True when a try has ended, so that others may begin. */
static bool collect(struct fetcher *f)
{
	bool any = false;
	int left, running;
	CURLMsg *message;

	curl_multi_perform(f->multi, &running);
	while ((message = curl_multi_info_read(f->multi, &left))) {
		struct fetch_try *t = NULL;
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		t->code = code;
		finish(f, t);
		any = true;
	}
	return any;
}

/* Why a try is to be broken off now, and if not, when to look again. With mtx held. */
static enum fetch_stop stop_reason(
	struct fetcher *f, const struct fetch_try *t, int64_t now)
{
	int64_t patience = t->connected ? f->settings.stall_timeout
					: f->settings.connect_timeout + SWEEP_PAUSE;

	if (t->fetch->state.cancelled || f->stopping)
		return STOP_CANCELLED;
	if (t->fetch->deadline <= now)
		return STOP_DEADLINE;
	if (t->heard + patience <= now)
		return STOP_SILENCE;
	schedule_sweep_by(&f->schedule, t->fetch->deadline);
	schedule_sweep_by(&f->schedule, t->heard + patience);
	return STOP_NOT;
}

/* Whether a second try is due; if not, when to look again. With mtx held. */
static bool is_late(struct fetcher *f, const struct fetch_try *t, int64_t now)
{
	int64_t due = t->started + hedge_patience(&f->schedule.hedge);

	if (t->stop != STOP_NOT || t->twin || mirrors_count(t->fetch->mirrors) == 1)
		return false;
	schedule_sweep_by(&f->schedule, due > now ? due : now + LATE_PAUSE);
	return due <= now;
}

/* All that time alone brings about. True when a try is to be broken off. With mtx held. */
static bool sweep_due(struct fetcher *f, int64_t now)
{
	bool stop = false;

	schedule_sweep(&f->schedule, now, f->stopping);
	for (struct fetch_try *t = f->tries; t; t = t->next) {
		t->stop = stop_reason(f, t, now);
		t->late = is_late(f, t, now);
		stop = stop || t->stop != STOP_NOT;
	}
	if (f->schedule.sweep_at < now + SWEEP_PAUSE)
		f->schedule.sweep_at = now + SWEEP_PAUSE;
	return stop;
}

static struct fetch_try *find_stopped(struct fetcher *f)
{
	struct fetch_try *t = f->tries;

	while (t && t->stop == STOP_NOT)
		t = t->next;
	return t;
}

static void sweep(struct fetcher *f)
{
	int64_t now = clock_monotonic();
	struct fetch_try *t;
	bool stop = false;

	pthread_mutex_lock(&f->mtx);
	if (f->stopping || now >= f->schedule.sweep_at)
		stop = sweep_due(f, now);
	pthread_mutex_unlock(&f->mtx);
	/* One that is finished may take its twin along, hence from the start each time. */
	while (stop && (t = find_stopped(f)))
		finish(f, t);
}

/* Calls done() for all that have ended. True when there was one. */
static bool hand_over(struct fetcher *f)
{
	struct fetch *fetch;
	bool any = false;

	for (;;) {
		pthread_mutex_lock(&f->mtx);
		fetch = schedule_next_ended(&f->schedule);
		pthread_mutex_unlock(&f->mtx);
		if (!fetch)
			return any;
		any = true;
		fetch->done(fetch);
	}
}

/* Milliseconds to sleep, 0 when something is to be looked at. */
static int sleep_time(struct fetcher *f)
{
	int64_t now = clock_monotonic(), left;

	pthread_mutex_lock(&f->mtx);
	left = f->schedule.sweep_at > now ? f->schedule.sweep_at - now : 0;
	if (f->awake)
		left = 0;
	pthread_mutex_unlock(&f->mtx);
	if (left > POLL_MOST)
		left = POLL_MOST;
	return (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

/* Begins a round, unless it was the last: from here on the thread has to be told of what
 * is new. */
static bool begin_round(struct fetcher *f)
{
	bool go;

	pthread_mutex_lock(&f->mtx);
	go = !f->stopping || f->tries || !schedule_is_empty(&f->schedule);
	f->self = pthread_self();
	f->awake = false;
	pthread_mutex_unlock(&f->mtx);
	return go;
}

static void *fetcher_main(void *arg)
{
	struct fetcher *f = arg;
	bool more;

	while (begin_round(f)) {
		sweep(f);
		admit_seconds(f);
		admit(f);
		more = collect(f);
		more = hand_over(f) || more;
		if (!more)
			curl_multi_poll(f->multi, NULL, 0, sleep_time(f), NULL);
	}
	return NULL;
}

static void global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int init_multi(struct fetcher *f)
{
	long connections = f->origins.connections;

	f->multi = curl_multi_init();
	f->settings.share = curl_share_init();
	if (!f->multi || !f->settings.share)
		return ERR_NO_MEMORY;
	/* One thread uses it, hence no lock functions. */
	curl_share_setopt(f->settings.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, connections * 4);
	curl_multi_setopt(f->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_MAX);
	return 0;
}

static void release(struct fetcher *f)
{
	struct fetch_try *t;

	while ((t = f->idle)) {
		f->idle = t->next;
		fetch_try_free(t);
	}
	curl_multi_cleanup(f->multi);
	curl_share_cleanup(f->settings.share);
	origins_release(&f->origins);
	pthread_mutex_destroy(&f->mtx);
	free(f);
}

static struct fetcher *allocate(const struct fetcher_options *o)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	unsigned connections = o->connections ? o->connections : CONNECTIONS_DEFAULT;

	if (!f)
		return NULL;
	f->log = o->log;
	f->settings.credentials = o->credentials;
	f->settings.connect_timeout = o->connect_timeout > 0 ? o->connect_timeout
							     : CONNECT_TIMEOUT_DEFAULT;
	f->settings.stall_timeout = o->stall_timeout > 0 ? o->stall_timeout
							 : STALL_TIMEOUT_DEFAULT;
	f->awake = true;
	schedule_init(&f->schedule, o->memory ? o->memory : MEMORY_DEFAULT);
	origins_init(
		&f->origins, connections < CONNECTIONS_MAX ? connections : CONNECTIONS_MAX);
	pthread_mutex_init(&f->mtx, NULL);
	return f;
}

/* Without signals: they are for the threads that the caller knows of, and a connection
 * that breaks must not end the process by SIGPIPE. */
static int start_thread(struct fetcher *f)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&f->thread, NULL, fetcher_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
#ifdef HAVE_PTHREAD_SETNAME_NP
	if (rc == 0)
		pthread_setname_np(f->thread, "fetcher");
#endif
	return rc;
}

int fetcher_new(
	const struct fetcher_options *options, struct fetcher **out, struct trouble *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct fetcher *f;

	pthread_once(&once, global_init);
	f = allocate(options);
	if (!f)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	if (init_multi(f)) {
		release(f);
		return trouble_set(t, ERR_NO_MEMORY, "libcurl could not be set up");
	}
	if (start_thread(f) != 0) {
		release(f);
		return trouble_set(t, ERR_IO, "the fetcher's thread could not be started");
	}
	*out = f;
	return 0;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->mtx);
	f->stopping = true;
	wake(f);
	pthread_mutex_unlock(&f->mtx);
	pthread_join(f->thread, NULL);
	release(f);
}

static void submit_with(struct fetcher *f, struct fetch *fetch, void *waiter)
{
	fetch->state = (struct fetch_state){.waiter = waiter};
	fetch->error = 0;
	fetch->trouble.code = 0;
	fetch->trouble.text[0] = '\0';
	fetch->not_modified = false;
	fetch->mirror = -1;
	fetch->path[FETCH_PATH_MAX - 1] = '\0';
	fetch->etag[FETCH_ETAG_MAX - 1] = '\0';
	bytes_init(&fetch->body);
	pthread_mutex_lock(&f->mtx);
	schedule_add(&f->schedule, fetch);
	wake(f);
	pthread_mutex_unlock(&f->mtx);
}

void fetcher_submit(struct fetcher *f, struct fetch *fetch)
{
	assert(fetch->priority < FETCH_PRIORITIES && fetch->done && fetch->mirrors);
	submit_with(f, fetch, NULL);
}

void fetcher_raise(struct fetcher *f, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline)
{
	pthread_mutex_lock(&f->mtx);
	schedule_raise(&f->schedule, fetch, priority, deadline);
	wake(f);
	pthread_mutex_unlock(&f->mtx);
}

void fetcher_cancel(struct fetcher *f, struct fetch *fetch)
{
	struct fetch_list *list;

	pthread_mutex_lock(&f->mtx);
	list = fetch->state.list;
	if (!list) {
		fetch->state.cancelled = true;
		schedule_sweep_by(&f->schedule, 0);
	} else if (list != &f->schedule.ending) {
		schedule_interrupt(&f->schedule, fetch);
	}
	wake(f);
	pthread_mutex_unlock(&f->mtx);
}

void fetcher_release(struct fetcher *f, struct fetch *fetch)
{
	pthread_mutex_lock(&f->mtx);
	if (fetch->state.held > 0) {
		schedule_release(&f->schedule, fetch);
		wake(f);
	}
	pthread_mutex_unlock(&f->mtx);
}

void fetcher_count(struct fetcher *f, struct fetcher_counters *out)
{
	const struct schedule_counters *counters = &f->schedule.counters;

	pthread_mutex_lock(&f->mtx);
	*out = (struct fetcher_counters){
		.requests = counters->requests,
		.retries = counters->retries,
		.failures = counters->failures,
		.bytes = counters->bytes,
		.doubled = counters->doubled,
		.queued = schedule_queued(&f->schedule),
		.active = f->active,
	};
	pthread_mutex_unlock(&f->mtx);
}

struct waiter {
	struct fetcher *fetcher;
	pthread_mutex_t mtx;
	pthread_cond_t cond;
	bool done; /* guarded by mtx */
};

static void on_got(struct fetch *fetch)
{
	struct waiter *w = fetch->state.waiter;

	fetcher_release(w->fetcher, fetch);
	pthread_mutex_lock(&w->mtx);
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mtx);
}

int fetcher_get(struct fetcher *f, struct fetch *fetch)
{
	struct waiter w = {.fetcher = f};

	pthread_mutex_init(&w.mtx, NULL);
	pthread_cond_init(&w.cond, NULL);
	fetch->done = on_got;
	submit_with(f, fetch, &w);
	pthread_mutex_lock(&w.mtx);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.mtx);
	pthread_mutex_unlock(&w.mtx);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.mtx);
	return fetch->error;
}
