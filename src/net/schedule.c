/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/schedule.h"
#include "net/try_result.h"
#include "util/clock.h"

void schedule_init(struct schedule *s, uint64_t memory)
{
	*s = (struct schedule){.sweep_at = DEADLINE_NONE};
	budget_init(&s->budget, memory);
	hedge_init(&s->hedge);
}

void schedule_sweep_by(struct schedule *s, int64_t when)
{
	if (when < s->sweep_at)
		s->sweep_at = when;
}

static void enqueue(struct schedule *s, struct fetch *fetch, bool first)
{
	if (!fetch->state.list || fetch->state.list == &s->waiting)
		progress_queue(&s->progress, fetch);
	fetch_list_remove(fetch);
	if (first)
		fetch_list_prepend(&s->queues[fetch->priority], fetch);
	else
		fetch_list_append(&s->queues[fetch->priority], fetch);
	schedule_sweep_by(s, fetch->deadline);
}

void schedule_add(struct schedule *s, struct fetch *fetch)
{
	enqueue(s, fetch, false);
}

void schedule_add_again(struct schedule *s, struct fetch *fetch)
{
	enqueue(s, fetch, true);
}

void schedule_wait(struct schedule *s, struct fetch *fetch, int64_t when)
{
	fetch_list_remove(fetch);
	fetch->state.not_before = when;
	fetch_list_append(&s->waiting, fetch);
	schedule_sweep_by(s, when);
	schedule_sweep_by(s, fetch->deadline);
}

void schedule_end(struct schedule *s, struct fetch *fetch, int error)
{
	partials_drop(&s->budget.partials, fetch);
	fetch_list_remove(fetch);
	fetch->error = error;
	if (error) {
		budget_release(&s->budget, fetch);
		s->counters.failures += error != ERR_INTERRUPTED;
	}
	fetch_list_append(&s->ending, fetch);
}

void schedule_interrupt(struct schedule *s, struct fetch *fetch)
{
	trouble_set(&fetch->trouble, ERR_INTERRUPTED, "%s/%s: nobody waits for it any more",
		mirrors_url(fetch->mirrors, 0), fetch->path);
	schedule_end(s, fetch, ERR_INTERRUPTED);
}

void schedule_cancel(struct schedule *s, struct fetch *fetch)
{
	const struct fetch_list *list = fetch->state.list;

	if (!list) {
		fetch->state.cancelled = true;
		schedule_sweep_by(s, 0);
	} else if (list != &s->ending) {
		schedule_interrupt(s, fetch);
	}
}

void schedule_abandon(struct fetch *fetch, int64_t now)
{
	fetch->state.abandoned = now;
}

void schedule_end_overdue(struct schedule *s, struct fetch *fetch)
{
	/* A failure before that tells more than the deadline does. */
	const char *what = fetch->state.tries
				   ? "no answer in time"
				   : "its turn to be fetched did not come in time";

	if (fetch->state.rank < RANK_HURRIED &&
		mirrors_are_out(fetch->mirrors, fetch->avoid | fetch->state.refused))
		trouble_set(&fetch->trouble, ERR_UNREACHABLE,
			"%s/%s: the server cannot be reached",
			mirrors_url(fetch->mirrors, 0), fetch->path);
	else if (fetch->state.rank < RANK_HURRIED)
		trouble_set(&fetch->trouble, ERR_TIMEOUT, "%s/%s: %s",
			mirrors_url(fetch->mirrors, 0), fetch->path, what);
	schedule_end(s, fetch, fetch->trouble.code);
}

/* Those that wait because this server was out of order need wait no longer. */
static void end_outage(struct schedule *s, const struct mirrors *m)
{
	struct fetch *fetch, *next;

	for (fetch = s->waiting.first; fetch; fetch = next) {
		next = fetch->state.next;
		if (fetch->mirrors == m && (fetch->state.tries == 0 || fetch->state.outage))
			enqueue(s, fetch, false);
	}
}

void schedule_succeed(struct schedule *s, struct fetch *fetch)
{
	s->counters.bytes += fetch->body.size;
	end_outage(s, fetch->mirrors);
	schedule_end(s, fetch, 0);
}

void schedule_enlarge(struct schedule *s, struct fetch *fetch)
{
	budget_release(&s->budget, fetch);
	fetch->cost = 2 * fetch->size_max; /* the body, and what it is decoded to */
	schedule_add_again(s, fetch);
}

void schedule_raise(struct schedule *s, struct fetch *fetch, enum fetch_priority priority,
	int64_t deadline, int64_t now)
{
	struct fetch_list *list = fetch->state.list;

	fetch->state.abandoned = 0;
	if (fetch->patience > 0 && deadline - now < fetch->patience)
		fetch->patience = deadline > now ? deadline - now : 1;
	if (deadline < fetch->deadline) {
		fetch->deadline = deadline;
		schedule_sweep_by(s, deadline);
	}
	if (priority >= fetch->priority)
		return;
	fetch->priority = priority;
	if (list && list != &s->waiting && list != &s->ending)
		enqueue(s, fetch, false);
}

static void sweep_list(
	struct schedule *s, struct fetch_list *list, int64_t now, bool stopping)
{
	struct fetch *fetch, *next;

	for (fetch = list->first; fetch; fetch = next) {
		next = fetch->state.next;
		if (stopping) {
			schedule_interrupt(s, fetch);
			continue;
		}
		if (list != &s->waiting)
			progress_renew(&s->progress, fetch, now);
		if (fetch->deadline <= now) {
			schedule_end_overdue(s, fetch);
			continue;
		}
		schedule_sweep_by(s, fetch->deadline);
		if (list != &s->waiting)
			continue;
		if (fetch->state.not_before <= now)
			schedule_add_again(s, fetch);
		else
			schedule_sweep_by(s, fetch->state.not_before);
	}
}

void schedule_sweep(struct schedule *s, int64_t now, bool stopping)
{
	s->sweep_at = DEADLINE_NONE;
	sweep_list(s, &s->waiting, now, stopping);
	for (int i = 0; i < FETCH_PRIORITIES; i++)
		sweep_list(s, &s->queues[i], now, stopping);
}

struct fetch *schedule_next_ended(struct schedule *s)
{
	struct fetch *fetch = s->ending.first;

	if (fetch)
		fetch_list_remove(fetch);
	return fetch;
}

uint64_t schedule_queued(const struct schedule *s)
{
	uint64_t count = s->waiting.count;

	for (int i = 0; i < FETCH_PRIORITIES; i++)
		count += s->queues[i].count;
	return count;
}

bool schedule_is_empty(const struct schedule *s)
{
	return schedule_queued(s) == 0 && !s->ending.first;
}
