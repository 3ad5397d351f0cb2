/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "cache/insert.h"
#include "source/in_flight.h"
#include "source/waiter.h"

int waiter_line_new(
	struct waiter *waiter, unsigned count, int64_t deadline, struct waiter_line **out)
{
	struct waiter_line *line;

	assert(!waiter->line && count > 0);
	line = calloc(1, sizeof(*line) + count * sizeof(line->waits[0]));
	if (!line)
		return ERR_NO_MEMORY;
	line->waiter = waiter;
	line->deadline = deadline;
	line->count = count;
	for (unsigned i = 0; i < count; i++)
		line->waits[i].line = line;
	waiter->error = 0;
	waiter->trouble.code = 0;
	waiter->trouble.text[0] = '\0';
	waiter->line = line;
	*out = line;
	return 0;
}

void waiter_line_leave(struct waiter_line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->waits[i].in_flight)
			in_flight_leave(&line->waits[i]);
	line->waiting = 0;
}

void waiter_arrive(struct waiter_blob *wait, struct blob_buffer *content, int error,
	const struct trouble *trouble, struct waiter_line **due)
{
	struct waiter_line *line = wait->line;
	struct waiter *waiter = line->waiter;

	in_flight_leave(wait);
	line->waiting--;
	if (!error && content && !waiter->discards)
		error = blob_buffers_add(&waiter->buffers, blob_buffer_get(content));
	if (error) {
		waiter->error = error;
		if (trouble && trouble->code)
			waiter->trouble = *trouble;
		else
			trouble_set(&waiter->trouble, error, "%s", error_text(error));
		waiter_line_leave(line);
	}
	if (line->waiting == 0) {
		line->due = true;
		line->next_due = *due;
		*due = line;
	}
}

static void run_end(struct source *s, struct waiter_run *run)
{
	struct waiter_run **at = &s->running;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	pthread_cond_broadcast(&s->source_cond);
}

void waiter_run_due(struct source *s, struct waiter_line *due)
{
	pthread_mutex_lock(&s->source_mtx);
	while (due) {
		struct waiter_line *line = due;
		struct waiter *waiter = line->waiter;
		struct waiter_run run = {waiter, s->running};

		due = line->next_due;
		free(line);
		if (!waiter)
			continue;
		waiter->line = NULL;
		s->running = &run;
		pthread_mutex_unlock(&s->source_mtx);
		waiter->ready(waiter);
		pthread_mutex_lock(&s->source_mtx);
		run_end(s, &run);
	}
	pthread_mutex_unlock(&s->source_mtx);
}

static bool is_running(const struct source *s, const struct waiter *waiter)
{
	for (const struct waiter_run *run = s->running; run; run = run->next)
		if (run->waiter == waiter)
			return true;
	return false;
}

bool source_forget(struct source *s, struct waiter *waiter)
{
	struct waiter_line *line;

	pthread_mutex_lock(&s->source_mtx);
	while (is_running(s, waiter))
		pthread_cond_wait(&s->source_cond, &s->source_mtx);
	line = waiter->line;
	if (line) {
		waiter_line_leave(line);
		waiter->line = NULL;
		line->waiter = NULL;
		if (!line->due)
			free(line);
	}
	pthread_mutex_unlock(&s->source_mtx);
	return line != NULL;
}

void waiter_release(struct waiter *waiter)
{
	assert(!waiter->line);
	blob_buffers_release(&waiter->buffers);
}
