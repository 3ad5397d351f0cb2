/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stddef.h>

#include "source/delivery.h"
#include "util/clock.h"

/* One wait is over, with a buffer (shared, may be NULL) or an error. Called locked. */
static void hand_to_waiter(struct waiter_blob *wait, struct blob_buffer *content, int error,
	const struct trouble *trouble, struct waiter_line **due)
{
	struct waiter_line *line = wait->line;
	struct waiter *waiter = line->waiter;

	in_flight_leave(wait);
	line->waiting--;
	if (!error && content)
		error = blob_buffers_add(&waiter->buffers, blob_buffer_get(content));
	if (error) {
		waiter_line_fail(line, error, trouble);
		in_flight_leave_all(line);
	}
	if (line->waiting == 0)
		waiter_line_end(line, due);
}

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
	in_flight_queue(delta, f->table->steps.resume);
}

/* To those who want the bytes. Called locked. */
static void hand_to_readers(struct in_flight *f, struct waiter_line **due)
{
	f->delivered = f->delivered || f->waits;
	while (f->waits)
		hand_to_waiter(f->waits, f->content, f->error, &f->trouble, due);
}

/* To those who want it kept. Called locked. */
static void hand_to_keepers(struct in_flight *f, struct waiter_line **due)
{
	char hex[DIGEST_HEX_SIZE];
	struct trouble trouble;
	int error;

	while (f->keeps) {
		f->keeps->line->waiter->unkept = !f->error;
		error = f->error ? f->error : f->places[f->keeps->place].error;
		trouble = f->trouble;
		if (error && !f->error) {
			digest_to_hex(&f->digest, hex);
			trouble_set(&trouble, error,
				"blob %s cannot be kept in the cache: %s", hex,
				error_text(error));
		}
		hand_to_waiter(f->keeps, NULL, error, &trouble, due);
	}
}

/* Called locked. */
static void hand_to_deltas(struct in_flight *f)
{
	while (f->dependents) {
		struct in_flight *delta = f->dependents;

		f->dependents = delta->next_dependent;
		hand_base(f, delta);
	}
}

void delivery_begin(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	struct waiter_line *due = NULL;

	pthread_mutex_lock(&t->table_mtx);
	f->stage = IN_FLIGHT_KEEPING;
	hand_to_readers(f, &due);
	pthread_mutex_unlock(&t->table_mtx);
	waiter_calls_run(&t->calls, due);
}

void delivery_late(struct job *job)
{
	struct in_flight *f = (struct in_flight *)((char *)job -
						   offsetof(struct in_flight, deliver));
	struct in_flight_table *t = f->table;
	struct waiter_line *due;

	pthread_mutex_lock(&t->table_mtx);
	do {
		due = NULL;
		hand_to_readers(f, &due);
		pthread_mutex_unlock(&t->table_mtx);
		waiter_calls_run(&t->calls, due);
		pthread_mutex_lock(&t->table_mtx);
	} while (f->waits);
	f->delivering = false;
	if (f->ended)
		in_flight_free(f);
	else
		pthread_mutex_unlock(&t->table_mtx);
}

/* Called locked, unlocks. Out of the table first: from here on nobody joins. `due`: those
 * that have become ready before. */
static void flight_finish(struct in_flight *f, struct waiter_line *due)
{
	struct in_flight_table *t = f->table;

	in_flight_remove(f);
	hand_to_readers(f, &due);
	hand_to_keepers(f, &due);
	hand_to_deltas(f);
	pthread_mutex_unlock(&t->table_mtx);
	waiter_calls_run(&t->calls, due);
	pthread_mutex_lock(&t->table_mtx);
	f->ended = true;
	if (f->delivering)
		pthread_mutex_unlock(&t->table_mtx);
	else
		in_flight_free(f);
}

void delivery_finish(struct in_flight *f)
{
	flight_finish(f, NULL);
}

bool delivery_try_finish(struct in_flight *f, unsigned seen)
{
	pthread_mutex_lock(&f->table->table_mtx);
	if (seen != f->place_count) {
		pthread_mutex_unlock(&f->table->table_mtx);
		return false;
	}
	delivery_finish(f);
	return true;
}

/* Called locked. */
static void expire_waits(struct in_flight *f, struct waiter_blob **list, int64_t now,
	struct waiter_line **due)
{
	struct waiter_blob *wait = *list;

	while (wait) {
		if (wait->line->deadline > now) {
			if (wait->line->deadline < f->deadline)
				f->deadline = wait->line->deadline;
			wait = wait->next;
			continue;
		}
		hand_to_waiter(wait, NULL, f->error, &f->trouble, due);
		/* That may have ended other waits in this list. */
		wait = *list;
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

/* Called locked. True when others are left, for whom it goes on. */
static bool flight_expire(struct in_flight *f, struct waiter_line **due)
{
	int64_t now = clock_monotonic();

	if (now < f->deadline)
		return false;
	f->deadline = DEADLINE_NONE;
	expire_waits(f, &f->waits, now, due);
	expire_waits(f, &f->keeps, now, due);
	expire_dependents(f, now);
	return f->waits || f->keeps || f->dependents;
}

bool delivery_fail_overdue(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	struct waiter_line *due = NULL;

	assert(f->error);
	in_flight_release_budget(f);
	pthread_mutex_lock(&t->table_mtx);
	if (!flight_expire(f, &due)) {
		flight_finish(f, due);
		return false;
	}
	f->error = 0;
	pthread_mutex_unlock(&t->table_mtx);
	waiter_calls_run(&t->calls, due);
	return true;
}

void delivery_fail(struct in_flight *f)
{
	assert(f->error);
	in_flight_release_budget(f);
	pthread_mutex_lock(&f->table->table_mtx);
	delivery_finish(f);
}
