/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "cache/check.h"
#include "cache/meta/scrub_record.h"
#include "cache/scrub.h"
#include "cache/state.h"
#include "util/io_class.h"
#include "util/power.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define TICK_MS 10000		   /* between two looks whether there is work */
#define BATCH (UINT64_C(64) << 20) /* bytes, at least, once something is done ... */
#define BATCHES_MIN 8		   /* ... or this part of a small cache */
#define REST 4			   /* times as long as a piece took */
#define REST_MAX NS_PER_SECOND
#define LOOK_EVERY (100 * NS_PER_MS)
#define SAVE_EVERY 60	      /* seconds */
#define TURN (5 * SAVE_EVERY) /* then another one takes over */
#define USED_LATELY (2 * NS_PER_SECOND)
#define WRITE_DEADLINE (2 * NS_PER_SECOND) /* it can wait */

struct scrub {
	struct cache *cache;
	int64_t period;
	pthread_t thread;
	pthread_mutex_t scrub_mtx; /* over `stop` */
	pthread_cond_t stop_cond;
	bool stop;
	/* The thread's own: */
	struct scrub_record saved; /* as it is in the books */
	struct scrub_record record;
	int64_t saved_at; /* seconds since 1970 */
	int64_t owed;	  /* rest that is due, ns */
};

static int64_t seconds_now(void)
{
	return clock_realtime() / NS_PER_SECOND;
}

/* True: to be stopped. */
static bool scrub_rest(struct scrub *s, unsigned ms)
{
	int64_t until = clock_monotonic() + ms * NS_PER_MS, left;
	bool stop;

	pthread_mutex_lock(&s->scrub_mtx);
	while (!s->stop && (left = (until - clock_monotonic()) / NS_PER_MS) > 0)
		timed_wait(&s->stop_cond, &s->scrub_mtx, (unsigned)left);
	stop = s->stop;
	pthread_mutex_unlock(&s->scrub_mtx);
	return stop;
}

uint64_t scrub_due(uint64_t total, uint64_t done, int64_t elapsed, int64_t period)
{
	uint64_t target, batch = total / BATCHES_MIN;

	if (elapsed >= period)
		return UINT64_MAX;
	if (elapsed < 0)
		return 0;
	target = (uint64_t)((double)total * (double)elapsed / (double)period);
	if (batch > BATCH)
		batch = BATCH;
	return target <= done || target - done < batch ? 0 : target - done;
}

static bool is_anothers(struct scrub *s, const struct scrub_record *r)
{
	int64_t now = seconds_now();
	uint32_t me = s->cache->directory.user;

	/* One that was seen in the future has a clock that was set back. */
	return r->user && r->user != me && r->seen <= now && now - r->seen < TURN &&
	       directory_user_lives(&s->cache->directory, (uint32_t)r->user);
}

static struct check_place scrub_place_of(const struct scrub_record *r)
{
	struct check_place p = {.stage = CHECK_ENDED};

	if (r->stage < CHECK_ENDED)
		p.stage = (enum check_stage)r->stage;
	p.begun = r->has_at != 0;
	p.at = r->at;
	p.ordinal = r->ordinal;
	return p;
}

static void note_place(struct scrub_record *r, const struct check_place *p)
{
	r->stage = p->stage;
	r->has_at = p->begun;
	r->at = p->at;
	r->ordinal = p->ordinal;
}

/* Errors: it is not ours (any more), or the books cannot be written now. */
static int scrub_save(struct scrub *s)
{
	int rc;

	s->record.seen = seconds_now();
	rc = scrub_record_swap(s->cache->metadata, clock_monotonic() + WRITE_DEADLINE,
		&s->saved, &s->record);
	if (!rc) {
		s->saved = s->record;
		s->saved_at = s->record.seen;
	}
	return rc;
}

static void begin_pass(struct scrub_record *r)
{
	r->begun = seconds_now();
	r->bytes = r->rotten = 0;
	r->stage = CHECK_PAGES;
	r->has_at = r->ordinal = 0;
	r->at = (struct object_id){0};
}

static void end_pass(struct scrub *s)
{
	struct scrub_record *r = &s->record;

	r->ended = seconds_now();
	r->rotten_before = r->rotten;
	log_info(s->cache->log, "cache: looked through %llu bytes: %llu rotten pieces",
		(unsigned long long)r->bytes, (unsigned long long)r->rotten);
}

static bool scrub_is_in_use(struct scrub *s)
{
	int64_t last = open_objects_last_use(s->cache->open_objects);

	return clock_monotonic() - last < USED_LATELY;
}

/* Is there something to do, and how many bytes? */
static uint64_t plan(struct scrub *s, bool *begins)
{
	struct scrub_record *r = &s->record;
	int64_t elapsed = seconds_now() - r->begun;
	uint64_t total;

	*begins = r->begun == 0 || elapsed < 0 ||
		  (r->stage >= CHECK_ENDED && elapsed >= s->period);
	if (*begins)
		begin_pass(r);
	if (*begins || r->stage >= CHECK_ENDED || check_total(s->cache, &total))
		return 0;
	return scrub_due(total, r->bytes, elapsed, s->period);
}

/* What there is to do now, in bytes; then it is this process's turn. */
static uint64_t scrub_take_turn(struct scrub *s)
{
	bool begins;
	uint64_t due = plan(s, &begins);

	if (!due && !begins)
		return 0;
	s->record.user = s->cache->directory.user;
	return scrub_save(s) ? 0 : due;
}

static void count_piece(struct scrub *s, struct check *k, const struct check_piece *piece)
{
	s->record.bytes += piece->bytes;
	if (!piece->rotten)
		return;
	s->record.rotten++;
	s->record.rotten_ever++;
	check_drop(k, piece);
}

/* One piece, and a rest. True: no more. */
static bool scrub_piece(struct scrub *s, struct check *k)
{
	int64_t began = clock_monotonic();
	struct check_piece piece;
	int rc = check_next(k, &piece);
	int64_t rest;

	if (!rc)
		count_piece(s, k, &piece);
	note_place(&s->record, &k->place);
	s->owed += REST * (clock_monotonic() - began);
	rest = s->owed < REST_MAX ? s->owed : REST_MAX;
	s->owed = rest % NS_PER_MS;
	return rc || (rest >= NS_PER_MS && scrub_rest(s, (unsigned)(rest / NS_PER_MS)));
}

/* Now and then: has somebody else something to do? True: no more now. */
static bool gives_way(struct scrub *s, int64_t *looked)
{
	int64_t now = clock_monotonic();
	bool stop = false;

	if (now - *looked < LOOK_EVERY)
		return false;
	*looked = now;
	if (seconds_now() - s->saved_at >= SAVE_EVERY) {
		io_class_set_idle(false);
		stop = scrub_save(s) == ERR_CHANGED;
		io_class_set_idle(true);
	}
	return stop || scrub_is_in_use(s) || power_is_battery(POWER_SUPPLIES);
}

/* Until so many bytes are looked at, or it is to stop. */
static void scrub_some(struct scrub *s, struct check *k, uint64_t due)
{
	int64_t looked = clock_monotonic();
	bool stop = false;
	uint64_t end;

	if (__builtin_add_overflow(s->record.bytes, due, &end))
		end = UINT64_MAX;
	io_class_set_idle(true);
	while (!stop && s->record.bytes < end && k->place.stage != CHECK_ENDED)
		stop = scrub_piece(s, k) || gives_way(s, &looked);
	/* Others wait for who writes to the books. */
	io_class_set_idle(false);
}

static void scrub_batch(struct scrub *s, uint64_t due)
{
	struct check_place from = scrub_place_of(&s->record);
	struct check k;

	if (check_open(&k, s->cache, &from))
		return;
	k.spares_page_cache = true;
	scrub_some(s, &k, due);
	if (k.place.stage == CHECK_ENDED)
		end_pass(s);
	check_close(&k);
	s->record.user = 0;
	(void)scrub_save(s);
}

static void scrub_tick(struct scrub *s)
{
	bool overdue;
	uint64_t due;

	if (power_is_battery(POWER_SUPPLIES) ||
		scrub_record_get(s->cache->metadata, &s->saved) ||
		is_anothers(s, &s->saved))
		return;
	/* Then a little at a time, whatever else goes on. */
	overdue = s->saved.begun && seconds_now() - s->saved.begun > 2 * s->period;
	if (scrub_is_in_use(s) && !overdue)
		return;
	s->record = s->saved;
	due = scrub_take_turn(s);
	if (due)
		scrub_batch(s, due);
}

static void *scrub_thread(void *arg)
{
	struct scrub *s = arg;
	unsigned tick = s->period * 1000 / 100 < TICK_MS ? (unsigned)s->period * 10
							 : TICK_MS;

	while (!scrub_rest(s, tick))
		scrub_tick(s);
	return NULL;
}

int scrub_new(struct cache *c, int64_t period, struct scrub **out)
{
	struct scrub *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return ERR_NO_MEMORY;
	s->cache = c;
	s->period = period;
	pthread_mutex_init(&s->scrub_mtx, NULL);
	timed_wait_init(&s->stop_cond);
	rc = thread_start(&s->thread, "cairn-scrub", scrub_thread, s);
	if (rc) {
		pthread_cond_destroy(&s->stop_cond);
		pthread_mutex_destroy(&s->scrub_mtx);
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void scrub_free(struct scrub *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->scrub_mtx);
	s->stop = true;
	pthread_cond_broadcast(&s->stop_cond);
	pthread_mutex_unlock(&s->scrub_mtx);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->stop_cond);
	pthread_mutex_destroy(&s->scrub_mtx);
	free(s);
}
