/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "cache/insert.h"
#include "source/in_flight.h"
#include "source/waiter.h"

int ticket_line_new(
	struct ticket *ticket, unsigned count, int64_t deadline, struct ticket_line **out)
{
	struct ticket_line *line;

	assert(!ticket->line && count > 0);
	line = calloc(1, sizeof(*line) + count * sizeof(line->waits[0]));
	if (!line)
		return ERR_NO_MEMORY;
	line->ticket = ticket;
	line->deadline = deadline;
	line->count = count;
	for (unsigned i = 0; i < count; i++)
		line->waits[i].line = line;
	ticket->error = 0;
	ticket->trouble.code = 0;
	ticket->trouble.text[0] = '\0';
	ticket->line = line;
	*out = line;
	return 0;
}

void ticket_line_leave(struct ticket_line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->waits[i].flight)
			flight_leave(&line->waits[i]);
	line->waiting = 0;
}

void ticket_arrive(struct ticket_wait *wait, struct arrival *arrival, int error,
	const struct trouble *trouble, struct ticket_line **due)
{
	struct ticket_line *line = wait->line;
	struct ticket *ticket = line->ticket;

	flight_leave(wait);
	line->waiting--;
	if (!error && arrival && !ticket->discards)
		error = arrivals_add(&ticket->arrivals, arrival_get(arrival));
	if (error) {
		ticket->error = error;
		if (trouble && trouble->code)
			ticket->trouble = *trouble;
		else
			trouble_set(&ticket->trouble, error, "%s", error_text(error));
		ticket_line_leave(line);
	}
	if (line->waiting == 0) {
		line->due = true;
		line->next_due = *due;
		*due = line;
	}
}

static void run_end(struct source *s, struct ticket_run *run)
{
	struct ticket_run **at = &s->running;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	pthread_cond_broadcast(&s->source_cond);
}

void ticket_run_due(struct source *s, struct ticket_line *due)
{
	pthread_mutex_lock(&s->source_mtx);
	while (due) {
		struct ticket_line *line = due;
		struct ticket *ticket = line->ticket;
		struct ticket_run run = {ticket, s->running};

		due = line->next_due;
		free(line);
		if (!ticket)
			continue;
		ticket->line = NULL;
		s->running = &run;
		pthread_mutex_unlock(&s->source_mtx);
		ticket->ready(ticket);
		pthread_mutex_lock(&s->source_mtx);
		run_end(s, &run);
	}
	pthread_mutex_unlock(&s->source_mtx);
}

static bool is_running(const struct source *s, const struct ticket *ticket)
{
	for (const struct ticket_run *run = s->running; run; run = run->next)
		if (run->ticket == ticket)
			return true;
	return false;
}

bool source_forget(struct source *s, struct ticket *ticket)
{
	struct ticket_line *line;

	pthread_mutex_lock(&s->source_mtx);
	while (is_running(s, ticket))
		pthread_cond_wait(&s->source_cond, &s->source_mtx);
	line = ticket->line;
	if (line) {
		ticket_line_leave(line);
		ticket->line = NULL;
		line->ticket = NULL;
		if (!line->due)
			free(line);
	}
	pthread_mutex_unlock(&s->source_mtx);
	return line != NULL;
}

void ticket_release(struct ticket *ticket)
{
	assert(!ticket->line);
	arrivals_release(&ticket->arrivals);
}
