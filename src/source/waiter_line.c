/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "source/waiter_line.h"

int waiter_line_new(
	struct waiter *waiter, unsigned count, int64_t deadline, struct waiter_line **out)
{
	struct waiter_line *line;

	assert(!waiter->line && count > 0);
	line = calloc(1, sizeof *line + count * sizeof line->waits[0]);
	if (!line)
		return ERR_NO_MEMORY;
	line->waiter = waiter;
	line->deadline = deadline;
	line->count = count;
	for (unsigned i = 0; i < count; i++)
		line->waits[i].line = line;
	waiter->error = 0;
	waiter->unkept = false;
	waiter->trouble.code = 0;
	waiter->trouble.text[0] = '\0';
	*out = line;
	return 0;
}

void waiter_line_fail(struct waiter_line *line, int error, const struct trouble *t)
{
	struct waiter *waiter = line->waiter;

	waiter->error = error;
	if (t && t->code)
		waiter->trouble = *t;
	else
		trouble_set(&waiter->trouble, error, "%s", error_text(error));
}

void waiter_line_end(struct waiter_line *line, struct waiter_line **due)
{
	line->due = true;
	line->next_due = *due;
	*due = line;
}

void waiter_blob_insert(struct waiter_blob **list, struct waiter_blob *wait)
{
	wait->link = list;
	wait->next = *list;
	if (wait->next)
		wait->next->link = &wait->next;
	*list = wait;
}

void waiter_blob_remove(struct waiter_blob *wait)
{
	*wait->link = wait->next;
	if (wait->next)
		wait->next->link = wait->link;
}

/* On the stack of the thread that calls ready(). */
struct waiter_call {
	const struct waiter *waiter; /* for comparison only: it may be gone */
	struct waiter_call *next;
};

static void call_end(struct waiter_calls *c, const struct waiter_call *call)
{
	struct waiter_call **at = &c->first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	pthread_cond_broadcast(c->table_cond);
}

/* Called locked, returns locked. */
static void call_ready(struct waiter_calls *c, struct waiter *waiter)
{
	struct waiter_call call = {waiter, c->first};

	waiter->line = NULL;
	c->first = &call;
	pthread_mutex_unlock(c->table_mtx);
	waiter->ready(waiter);
	pthread_mutex_lock(c->table_mtx);
	call_end(c, &call);
}

void waiter_calls_run(struct waiter_calls *c, struct waiter_line *due)
{
	if (!due)
		return;
	pthread_mutex_lock(c->table_mtx);
	while (due) {
		struct waiter_line *line = due;
		struct waiter *waiter = line->waiter;

		due = line->next_due;
		free(line);
		if (waiter)
			call_ready(c, waiter);
	}
	pthread_mutex_unlock(c->table_mtx);
}

bool waiter_calls_has(const struct waiter_calls *c, const struct waiter *waiter)
{
	for (const struct waiter_call *call = c->first; call; call = call->next)
		if (call->waiter == waiter)
			return true;
	return false;
}
