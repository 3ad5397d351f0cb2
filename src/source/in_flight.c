/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "source/download.h"
#include "util/clock.h"

/* The table. Called locked. */

static struct in_flight **bucket_of(struct source *s, const struct digest *digest)
{
	return &s->buckets[digest_prefix(digest) & (SOURCE_BUCKETS - 1)];
}

static struct in_flight *find(struct source *s, const struct want *want)
{
	struct in_flight *f = *bucket_of(s, &want->digest);

	while (f && (f->kind != want->kind || f->size != want->size ||
			    !digest_equal(&f->digest, &want->digest)))
		f = f->next;
	return f;
}

static void table_insert(struct in_flight *f)
{
	struct in_flight **bucket = bucket_of(f->source, &f->digest);

	f->next = *bucket;
	*bucket = f;
	f->source->in_flight_count++;
	f->source->hints += f->hinted;
}

static void table_remove(struct in_flight *f)
{
	struct in_flight **at = bucket_of(f->source, &f->digest);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

bool in_flight_exists(struct source *s, const struct want *want)
{
	return find(s, want) != NULL;
}

/* Life. */

static struct in_flight *in_flight_new(
	struct source *s, const struct want *want, bool hinted)
{
	struct in_flight *f = calloc(1, sizeof(*f));

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

static void in_flight_free(struct in_flight *f)
{
	if (f->content)
		blob_buffer_put(f->content);
	if (f->base_content)
		blob_buffer_put(f->base_content);
	bytes_release(&f->fetch.body);
	free(f->places);
	free(f);
}

void in_flight_release_budget(struct in_flight *f)
{
	if (f->charged)
		fetcher_release(f->source->engine->fetcher, &f->fetch);
	f->charged = false;
}

bool in_flight_is_base(const struct in_flight *f)
{
	return f->kind == BLOB_CHUNK && f->size == 0;
}

bool in_flight_is_needed(const struct in_flight *f)
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

static int add_place(struct in_flight *f, const struct want *want)
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

static void in_flight_raise(
	struct in_flight *f, enum fetch_priority priority, int64_t deadline)
{
	if (priority < f->priority)
		f->priority = priority;
	if (deadline < f->deadline)
		f->deadline = deadline;
	if (f->stage == IN_FLIGHT_FETCHING)
		fetcher_raise(
			f->source->engine->fetcher, &f->fetch, f->priority, f->deadline);
	else if (f->stage == IN_FLIGHT_BASE)
		in_flight_raise(f->base, f->priority, f->deadline);
}

void in_flight_queue(struct in_flight *f, void (*run)(struct job *job))
{
	f->job.run = run;
	workers_add(f->source->engine->workers, &f->job, f->priority == FETCH_DEMAND);
}

static void in_flight_add_waiter(struct in_flight *f, struct waiter_blob *wait)
{
	wait->in_flight = f;
	wait->previous = NULL;
	wait->next = f->waits;
	if (f->waits)
		f->waits->previous = wait;
	f->waits = wait;
}

/* The flight of that blob; a new one is not in the table yet. */
static struct in_flight *find_or_new(
	struct source *s, const struct want *want, bool hinted, bool *is_new)
{
	struct in_flight *f = find(s, want);

	*is_new = f == NULL;
	return f ? f : in_flight_new(s, want, hinted);
}

static void in_flight_begin(struct in_flight *f)
{
	table_insert(f);
	in_flight_queue(f, download_look);
}

int in_flight_join(struct source *s, const struct want *want, enum fetch_priority priority,
	int64_t deadline, struct waiter_blob *wait)
{
	bool is_new;
	struct in_flight *f = find_or_new(s, want, wait == NULL, &is_new);

	if (!f)
		return ERR_NO_MEMORY;
	if (add_place(f, want)) {
		if (is_new)
			in_flight_free(f);
		return ERR_NO_MEMORY;
	}
	if (wait)
		in_flight_add_waiter(f, wait);
	in_flight_raise(f, priority, deadline);
	if (is_new)
		in_flight_begin(f);
	return 0;
}

int in_flight_join_base(struct in_flight *delta, const struct digest *digest)
{
	const struct want want = {.kind = BLOB_CHUNK, .digest = *digest};
	bool is_new;
	struct in_flight *base = find_or_new(delta->source, &want, false, &is_new);

	if (!base)
		return ERR_NO_MEMORY;
	delta->stage = IN_FLIGHT_BASE;
	delta->base = base;
	delta->next_dependent = base->dependents;
	base->dependents = delta;
	in_flight_raise(base, delta->priority, delta->deadline);
	if (is_new)
		in_flight_begin(base);
	return 0;
}

static void cancel(struct in_flight *f)
{
	if (f->stage != IN_FLIGHT_FETCHING || f->cancelled)
		return;
	f->cancelled = true;
	fetcher_cancel(f->source->engine->fetcher, &f->fetch);
}

void in_flight_leave(struct waiter_blob *wait)
{
	struct in_flight *f = wait->in_flight;

	if (wait->previous)
		wait->previous->next = wait->next;
	else
		f->waits = wait->next;
	if (wait->next)
		wait->next->previous = wait->previous;
	wait->in_flight = NULL;
	if (!in_flight_is_needed(f))
		cancel(f);
}

void in_flight_cancel_all(struct source *s)
{
	for (unsigned i = 0; i < SOURCE_BUCKETS; i++)
		for (struct in_flight *f = s->buckets[i]; f; f = f->next)
			cancel(f);
}

/* Landing. */

/* The delta goes on, or fails as its base did. Called locked. */
static void hand_base(struct in_flight *f, struct in_flight *delta)
{
	delta->base = NULL;
	delta->stage = IN_FLIGHT_DECODING;
	if (f->error) {
		delta->error = f->error;
		delta->trouble = f->trouble;
	} else {
		delta->base_content = blob_buffer_get(f->content);
	}
	in_flight_queue(delta, download_resume);
}

/* Called locked. */
static void hand_out(struct in_flight *f, struct waiter_line **due)
{
	while (f->waits)
		waiter_arrive(f->waits, f->content, f->error, &f->trouble, due);
	while (f->dependents) {
		struct in_flight *delta = f->dependents;

		f->dependents = delta->next_dependent;
		hand_base(f, delta);
	}
}

void in_flight_finish(struct in_flight *f)
{
	struct source *s = f->source;
	struct waiter_line *due = NULL;

	assert(!f->charged);
	table_remove(f);
	hand_out(f, &due);
	pthread_mutex_unlock(&s->source_mtx);
	waiter_run_due(s, due);
	pthread_mutex_lock(&s->source_mtx);
	s->in_flight_count--;
	s->hints -= f->hinted;
	pthread_cond_broadcast(&s->source_cond);
	pthread_mutex_unlock(&s->source_mtx);
	in_flight_free(f);
}

/* Called locked. */
static void expire_waits(struct in_flight *f, int64_t now, struct waiter_line **due)
{
	struct waiter_blob *wait = f->waits;

	f->deadline = DEADLINE_NONE;
	while (wait) {
		if (wait->line->deadline > now) {
			if (wait->line->deadline < f->deadline)
				f->deadline = wait->line->deadline;
			wait = wait->next;
			continue;
		}
		waiter_arrive(wait, NULL, f->error, &f->trouble, due);
		/* That may have ended other waits in this list. */
		wait = f->waits;
	}
}

/* Called locked. */
static void expire_dependents(struct in_flight *f, int64_t now)
{
	struct in_flight **at = &f->dependents;

	while (*at) {
		struct in_flight *delta = *at;

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

bool in_flight_expire(struct in_flight *f)
{
	struct source *s = f->source;
	struct waiter_line *due = NULL;
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
	waiter_run_due(s, due);
	return go_on;
}

bool in_flight_try_finish(struct in_flight *f, unsigned seen)
{
	pthread_mutex_lock(&f->source->source_mtx);
	if (seen != f->place_count) {
		pthread_mutex_unlock(&f->source->source_mtx);
		return false;
	}
	in_flight_finish(f);
	return true;
}

void in_flight_fail(struct in_flight *f)
{
	assert(f->error);
	in_flight_release_budget(f);
	pthread_mutex_lock(&f->source->source_mtx);
	in_flight_finish(f);
}
