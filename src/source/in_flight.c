/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "source/download.h"
#include "util/clock.h"

/* The table. Called locked. */

static struct flight **bucket_of(struct source *s, const struct digest *digest)
{
	return &s->buckets[digest_prefix(digest) & (SOURCE_BUCKETS - 1)];
}

static struct flight *find(struct source *s, const struct want *want)
{
	struct flight *f = *bucket_of(s, &want->digest);

	while (f && (f->kind != want->kind || f->size != want->size ||
			    !digest_equal(&f->digest, &want->digest)))
		f = f->next;
	return f;
}

static void table_insert(struct flight *f)
{
	struct flight **bucket = bucket_of(f->source, &f->digest);

	f->next = *bucket;
	*bucket = f;
	f->source->flights++;
	f->source->hints += f->hinted;
}

static void table_remove(struct flight *f)
{
	struct flight **at = bucket_of(f->source, &f->digest);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

bool flight_exists(struct source *s, const struct want *want)
{
	return find(s, want) != NULL;
}

/* Life. */

static struct flight *flight_new(struct source *s, const struct want *want, bool hinted)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->source = s;
	f->kind = want->kind;
	f->digest = want->digest;
	f->size = want->size;
	f->hinted = hinted;
	f->priority = FETCH_PREFETCH;
	f->deadline = DEADLINE_NONE;
	return f;
}

static void flight_free(struct flight *f)
{
	if (f->arrival)
		arrival_put(f->arrival);
	if (f->base_content)
		arrival_put(f->base_content);
	bytes_release(&f->fetch.body);
	free(f->places);
	free(f);
}

void flight_settle(struct flight *f)
{
	if (f->charged)
		fetcher_settle(f->source->engine->fetcher, &f->fetch);
	f->charged = false;
}

bool flight_is_base(const struct flight *f)
{
	return f->kind == BLOB_CHUNK && f->size == 0;
}

bool flight_is_needed(const struct flight *f)
{
	return f->hinted || f->waits || f->dependents;
}

/* Boarding and leaving. Called locked. */

static bool same_place(const struct want *a, const struct want *b)
{
	return a->kind != BLOB_CHUNK ||
	       (a->ordinal == b->ordinal && a->start == b->start &&
		       a->chunks == b->chunks && digest_equal(&a->object, &b->object));
}

static int add_place(struct flight *f, const struct want *want)
{
	struct want *places;
	unsigned capacity = f->place_capacity ? 2 * f->place_capacity : 1;

	for (unsigned i = 0; i < f->place_count; i++)
		if (same_place(&f->places[i], want))
			return 0;
	if (f->place_count == f->place_capacity) {
		places = realloc(f->places, capacity * sizeof(*places));
		if (!places)
			return ERR_NO_MEMORY;
		f->places = places;
		f->place_capacity = capacity;
	}
	f->places[f->place_count++] = *want;
	return 0;
}

static void flight_raise(struct flight *f, enum fetch_priority priority, int64_t deadline)
{
	if (priority < f->priority)
		f->priority = priority;
	if (deadline < f->deadline)
		f->deadline = deadline;
	if (f->stage == FLIGHT_FETCHING)
		fetcher_raise(
			f->source->engine->fetcher, &f->fetch, f->priority, f->deadline);
	else if (f->stage == FLIGHT_BASE)
		flight_raise(f->base, f->priority, f->deadline);
}

void flight_queue(struct flight *f, void (*run)(struct job *job))
{
	f->job.run = run;
	workers_add(f->source->engine->workers, &f->job, f->priority == FETCH_DEMAND);
}

static void flight_join(struct flight *f, struct ticket_wait *wait)
{
	wait->flight = f;
	wait->previous = NULL;
	wait->next = f->waits;
	if (f->waits)
		f->waits->previous = wait;
	f->waits = wait;
}

/* The flight of that blob; a new one is not in the table yet. */
static struct flight *find_or_new(
	struct source *s, const struct want *want, bool hinted, bool *is_new)
{
	struct flight *f = find(s, want);

	*is_new = f == NULL;
	return f ? f : flight_new(s, want, hinted);
}

static void flight_begin(struct flight *f)
{
	table_insert(f);
	flight_queue(f, course_look);
}

int flight_board(struct source *s, const struct want *want, enum fetch_priority priority,
	int64_t deadline, struct ticket_wait *wait)
{
	bool is_new;
	struct flight *f = find_or_new(s, want, wait == NULL, &is_new);

	if (!f)
		return ERR_NO_MEMORY;
	if (add_place(f, want)) {
		if (is_new)
			flight_free(f);
		return ERR_NO_MEMORY;
	}
	if (wait)
		flight_join(f, wait);
	flight_raise(f, priority, deadline);
	if (is_new)
		flight_begin(f);
	return 0;
}

int flight_board_base(struct flight *delta, const struct digest *digest)
{
	const struct want want = {.kind = BLOB_CHUNK, .digest = *digest};
	bool is_new;
	struct flight *base = find_or_new(delta->source, &want, false, &is_new);

	if (!base)
		return ERR_NO_MEMORY;
	delta->stage = FLIGHT_BASE;
	delta->base = base;
	delta->next_dependent = base->dependents;
	base->dependents = delta;
	flight_raise(base, delta->priority, delta->deadline);
	if (is_new)
		flight_begin(base);
	return 0;
}

static void cancel(struct flight *f)
{
	if (f->stage != FLIGHT_FETCHING || f->cancelled)
		return;
	f->cancelled = true;
	fetcher_cancel(f->source->engine->fetcher, &f->fetch);
}

void flight_leave(struct ticket_wait *wait)
{
	struct flight *f = wait->flight;

	if (wait->previous)
		wait->previous->next = wait->next;
	else
		f->waits = wait->next;
	if (wait->next)
		wait->next->previous = wait->previous;
	wait->flight = NULL;
	if (!flight_is_needed(f))
		cancel(f);
}

void flight_cancel_all(struct source *s)
{
	for (unsigned i = 0; i < SOURCE_BUCKETS; i++)
		for (struct flight *f = s->buckets[i]; f; f = f->next)
			cancel(f);
}

/* Landing. */

/* The delta goes on, or fails as its base did. Called locked. */
static void hand_base(struct flight *f, struct flight *delta)
{
	delta->base = NULL;
	delta->stage = FLIGHT_DECODING;
	if (f->error) {
		delta->error = f->error;
		delta->trouble = f->trouble;
	} else {
		delta->base_content = arrival_get(f->arrival);
	}
	flight_queue(delta, course_resume);
}

/* Called locked. */
static void hand_out(struct flight *f, struct ticket_line **due)
{
	while (f->waits)
		ticket_arrive(f->waits, f->arrival, f->error, &f->trouble, due);
	while (f->dependents) {
		struct flight *delta = f->dependents;

		f->dependents = delta->next_dependent;
		hand_base(f, delta);
	}
}

void flight_land(struct flight *f)
{
	struct source *s = f->source;
	struct ticket_line *due = NULL;

	assert(!f->charged);
	table_remove(f);
	hand_out(f, &due);
	pthread_mutex_unlock(&s->source_mtx);
	ticket_run_due(s, due);
	pthread_mutex_lock(&s->source_mtx);
	s->flights--;
	s->hints -= f->hinted;
	pthread_cond_broadcast(&s->source_cond);
	pthread_mutex_unlock(&s->source_mtx);
	flight_free(f);
}

/* Called locked. */
static void expire_waits(struct flight *f, int64_t now, struct ticket_line **due)
{
	struct ticket_wait *wait = f->waits;

	f->deadline = DEADLINE_NONE;
	while (wait) {
		if (wait->line->deadline > now) {
			if (wait->line->deadline < f->deadline)
				f->deadline = wait->line->deadline;
			wait = wait->next;
			continue;
		}
		ticket_arrive(wait, NULL, f->error, &f->trouble, due);
		/* That may have ended other waits in this list. */
		wait = f->waits;
	}
}

/* Called locked. */
static void expire_dependents(struct flight *f, int64_t now)
{
	struct flight **at = &f->dependents;

	while (*at) {
		struct flight *delta = *at;

		if (delta->deadline > now) {
			if (delta->deadline < f->deadline)
				f->deadline = delta->deadline;
			at = &delta->next_dependent;
			continue;
		}
		*at = delta->next_dependent;
		hand_base(f, delta);
	}
}

bool flight_expire(struct flight *f)
{
	struct source *s = f->source;
	struct ticket_line *due = NULL;
	int64_t now = clock_monotonic();
	bool go_on;

	pthread_mutex_lock(&s->source_mtx);
	if (now < f->deadline) {
		pthread_mutex_unlock(&s->source_mtx);
		return false;
	}
	expire_waits(f, now, &due);
	expire_dependents(f, now);
	go_on = f->waits || f->dependents;
	if (go_on)
		f->error = 0;
	pthread_mutex_unlock(&s->source_mtx);
	ticket_run_due(s, due);
	return go_on;
}

bool flight_try_land(struct flight *f, unsigned seen)
{
	pthread_mutex_lock(&f->source->source_mtx);
	if (seen != f->place_count) {
		pthread_mutex_unlock(&f->source->source_mtx);
		return false;
	}
	flight_land(f);
	return true;
}

void flight_fail(struct flight *f)
{
	assert(f->error);
	flight_settle(f);
	pthread_mutex_lock(&f->source->source_mtx);
	flight_land(f);
}
