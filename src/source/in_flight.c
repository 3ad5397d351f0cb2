/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "source/in_flight.h"
#include "util/clock.h"

void in_flight_table_init(struct in_flight_table *t, struct engine *engine,
	struct mirrors *mirrors, const struct in_flight_steps *steps)
{
	*t = (struct in_flight_table){
		.engine = engine, .mirrors = mirrors, .steps = *steps};
	pthread_mutex_init(&t->table_mtx, NULL);
	pthread_cond_init(&t->table_cond, NULL);
	t->calls.table_mtx = &t->table_mtx;
	t->calls.table_cond = &t->table_cond;
}

static void in_flight_cancel(struct in_flight *f)
{
	if (f->stage != IN_FLIGHT_FETCHING || f->cancelled)
		return;
	f->cancelled = true;
	fetcher_cancel(engine_fetcher(f->table->engine), &f->fetch);
}

static void in_flight_abandon(struct in_flight *f)
{
	if (f->stage == IN_FLIGHT_FETCHING && !f->cancelled)
		fetcher_abandon(engine_fetcher(f->table->engine), &f->fetch);
}

/* It may have been waiting until it may be copied. */
static void in_flight_wait_no_more(struct in_flight *f)
{
	if (f->stage == IN_FLIGHT_LOCAL &&
		keep_queue_withdraw(engine_keeps(f->table->engine), &f->keep))
		in_flight_queue(f, f->table->steps.look);
}

void in_flight_table_release(struct in_flight_table *t)
{
	pthread_mutex_lock(&t->table_mtx);
	t->stopping = true;
	for (unsigned i = 0; i < IN_FLIGHT_BUCKETS; i++)
		for (struct in_flight *f = t->buckets[i]; f; f = f->next) {
			in_flight_cancel(f);
			in_flight_wait_no_more(f);
		}
	while (t->count || t->calls.first)
		pthread_cond_wait(&t->table_cond, &t->table_mtx);
	pthread_mutex_unlock(&t->table_mtx);
	pthread_cond_destroy(&t->table_cond);
	pthread_mutex_destroy(&t->table_mtx);
}

static struct in_flight **in_flight_bucket(
	struct in_flight_table *t, const struct digest *digest)
{
	return &t->buckets[digest_prefix(digest) & (IN_FLIGHT_BUCKETS - 1)];
}

static struct in_flight *in_flight_find(struct in_flight_table *t, const struct want *want)
{
	struct in_flight *f = *in_flight_bucket(t, &want->digest);

	while (f && (f->kind != want->kind || f->size != want->size ||
			    !digest_equal(&f->digest, &want->digest)))
		f = f->next;
	return f;
}

bool in_flight_exists(struct in_flight_table *t, const struct want *want)
{
	return in_flight_find(t, want) != NULL;
}

static struct in_flight *in_flight_new(
	struct in_flight_table *t, const struct want *want, bool hinted)
{
	struct in_flight *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->table = t;
	f->kind = want->kind;
	f->digest = want->digest;
	f->size = want->size;
	f->hinted = hinted;
	f->priority = FETCH_PREFETCH;
	f->deadline = DEADLINE_NONE;
	return f;
}

static void in_flight_destroy(struct in_flight *f)
{
	if (f->content)
		blob_buffer_put(f->content);
	if (f->base_content)
		blob_buffer_put(f->base_content);
	bytes_release(&f->fetch.body);
	free(f->places);
	free(f);
}

struct in_flight *in_flight_of_job(struct job *job)
{
	return (struct in_flight *)((char *)job - offsetof(struct in_flight, job));
}

void in_flight_release_budget(struct in_flight *f)
{
	if (f->charged)
		fetcher_release(engine_fetcher(f->table->engine), &f->fetch);
	f->charged = false;
}

bool in_flight_is_base(const struct in_flight *f)
{
	return f->kind == BLOB_CHUNK && f->size == 0;
}

bool in_flight_is_needed(const struct in_flight *f)
{
	return f->hinted || f->waits || f->keeps || f->dependents;
}

static bool same_place(const struct want *a, const struct want *b)
{
	return a->kind != BLOB_CHUNK ||
	       (a->ordinal == b->ordinal && a->start == b->start &&
		       a->chunks == b->chunks && object_id_equal(&a->object, &b->object));
}

static int add_place(struct in_flight *f, const struct want *want, unsigned *index)
{
	struct in_flight_place *places;
	unsigned capacity = f->place_capacity ? 2 * f->place_capacity : 1;

	for (*index = 0; *index < f->place_count; ++*index)
		if (same_place(&f->places[*index].want, want))
			return 0;
	if (f->place_count == f->place_capacity) {
		places = realloc(f->places, capacity * sizeof *places);
		if (!places)
			return ERR_NO_MEMORY;
		f->places = places;
		f->place_capacity = capacity;
	}
	f->places[f->place_count++] = (struct in_flight_place){*want, 0};
	return 0;
}

bool in_flight_place(struct in_flight *f, unsigned index, struct want *out)
{
	bool is_there;

	pthread_mutex_lock(&f->table->table_mtx);
	is_there = index < f->place_count;
	if (is_there)
		*out = f->places[index].want;
	pthread_mutex_unlock(&f->table->table_mtx);
	return is_there;
}

int64_t in_flight_keep_deadline(struct in_flight *f)
{
	int64_t latest = 0;

	pthread_mutex_lock(&f->table->table_mtx);
	for (const struct waiter_blob *wait = f->keeps; wait; wait = wait->next)
		if (wait->line->deadline > latest)
			latest = wait->line->deadline;
	pthread_mutex_unlock(&f->table->table_mtx);
	return latest;
}

bool in_flight_may_keep(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	bool may;

	pthread_mutex_lock(&t->table_mtx);
	may = !t->stopping || !t->keep_stalled;
	pthread_mutex_unlock(&t->table_mtx);
	return may;
}

void in_flight_set_kept(struct in_flight *f, unsigned index, int error)
{
	pthread_mutex_lock(&f->table->table_mtx);
	f->places[index].error = error;
	f->table->keep_stalled = error == ERR_TIMEOUT;
	pthread_mutex_unlock(&f->table->table_mtx);
}

static void in_flight_raise(
	struct in_flight *f, enum fetch_priority priority, int64_t deadline)
{
	if (priority < f->priority)
		f->priority = priority;
	if (deadline < f->deadline)
		f->deadline = deadline;
	/* f->deadline may be over, and the fetch go on for its progress. */
	if (f->stage == IN_FLIGHT_FETCHING)
		fetcher_raise(
			engine_fetcher(f->table->engine), &f->fetch, f->priority, deadline);
	else if (f->stage == IN_FLIGHT_BASE)
		in_flight_raise(f->base, f->priority, deadline);
}

void in_flight_queue(struct in_flight *f, void (*run)(struct job *job))
{
	f->job.run = run;
	workers_add(engine_workers(f->table->engine), &f->job, f->priority == FETCH_DEMAND);
}

/* The blob of that want; a new one is not in the table yet. */
static struct in_flight *find_or_new(
	struct in_flight_table *t, const struct want *want, bool hinted, bool *is_new)
{
	struct in_flight *f = in_flight_find(t, want);

	*is_new = f == NULL;
	return f ? f : in_flight_new(t, want, hinted);
}

static void in_flight_begin(struct in_flight *f)
{
	struct in_flight **bucket = in_flight_bucket(f->table, &f->digest);

	f->next = *bucket;
	*bucket = f;
	f->table->count++;
	f->table->hints += f->hinted;
	in_flight_queue(f, f->table->steps.look);
}

static void in_flight_add_wait(
	struct in_flight *f, struct waiter_blob *wait, unsigned place)
{
	wait->in_flight = f;
	wait->place = place;
	waiter_blob_insert(wait->line->waiter->wants_kept ? &f->keeps : &f->waits, wait);
}

/* Somebody wants the bytes of one that only had to be kept, maybe. */
static void in_flight_hurry(struct in_flight *f)
{
	in_flight_wait_no_more(f);
	if (f->stage != IN_FLIGHT_KEEPING || f->delivering)
		return;
	f->delivering = true;
	f->deliver.run = f->table->steps.deliver;
	workers_add(
		engine_workers(f->table->engine), &f->deliver, f->priority == FETCH_DEMAND);
}

int in_flight_join(struct in_flight_table *t, const struct want *want,
	enum fetch_priority priority, int64_t deadline, struct waiter_blob *wait)
{
	bool is_new;
	unsigned place;
	struct in_flight *f = find_or_new(t, want, wait == NULL, &is_new);

	if (!f)
		return ERR_NO_MEMORY;
	if (add_place(f, want, &place)) {
		if (is_new)
			in_flight_destroy(f);
		return ERR_NO_MEMORY;
	}
	if (wait)
		in_flight_add_wait(f, wait, place);
	in_flight_raise(f, priority, deadline);
	if (is_new)
		in_flight_begin(f);
	else if (f->waits)
		in_flight_hurry(f);
	return 0;
}

int in_flight_join_base(struct in_flight *delta, const struct digest *digest)
{
	const struct want want = {.kind = BLOB_CHUNK, .digest = *digest};
	bool is_new;
	struct in_flight *base = find_or_new(delta->table, &want, false, &is_new);

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

void in_flight_leave(struct waiter_blob *wait)
{
	struct in_flight *f = wait->in_flight;

	waiter_blob_remove(wait);
	wait->in_flight = NULL;
	if (!in_flight_is_needed(f))
		in_flight_abandon(f);
}

void in_flight_leave_all(struct waiter_line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->waits[i].in_flight)
			in_flight_leave(&line->waits[i]);
	line->waiting = 0;
}

void in_flight_remove(struct in_flight *f)
{
	struct in_flight **at = in_flight_bucket(f->table, &f->digest);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

void in_flight_free(struct in_flight *f)
{
	struct in_flight_table *t = f->table;

	assert(!f->waits && !f->keeps && !f->dependents && !f->charged && !f->keep.bytes);
	t->count--;
	t->hints -= f->hinted;
	pthread_cond_broadcast(&t->table_cond);
	pthread_mutex_unlock(&t->table_mtx);
	in_flight_destroy(f);
}
