/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/schedule.h"
#include "util/clock.h"

#define RETRY_FIRST (100 * NS_PER_MS) /* wait before all mirrors are asked once more */
#define RETRY_MOST (8 * NS_PER_SECOND)
#define RETRY_MOST_DEMAND (2 * NS_PER_SECOND)
#define HASTY_PROBES 4 /* of so many all but one: a server may need long to answer */
/* For so long a place in the queue is kept for who comes again. */
#define ABANDONED NS_PER_SECOND
#define LOOK_AHEAD 64 /* fetches for a busy server that let one for another pass */

void schedule_init(struct schedule *s, uint64_t memory)
{
	*s = (struct schedule){.memory = memory, .sweep_at = DEADLINE_NONE};
	s->partials.most = memory / 4;
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

static void wait_until(struct schedule *s, struct fetch *fetch, int64_t when)
{
	fetch_list_remove(fetch);
	fetch->state.not_before = when;
	fetch_list_append(&s->waiting, fetch);
	schedule_sweep_by(s, when);
	schedule_sweep_by(s, fetch->deadline);
}

void schedule_lower(struct schedule *s, struct fetch *fetch)
{
	if (fetch->state.held_by_demand)
		s->demands--;
	fetch->state.held_by_demand = false;
}

void schedule_release(struct schedule *s, struct fetch *fetch)
{
	s->held -= fetch->state.held;
	fetch->state.held = 0;
	schedule_lower(s, fetch);
}

static bool budget_allows(const struct schedule *s, const struct fetch *fetch)
{
	bool demand = fetch->priority == FETCH_DEMAND;
	/* What nobody waits for yet leaves a quarter to those who do. */
	uint64_t budget = demand ? s->memory : s->memory - s->memory / 4;

	uint64_t used = s->held + s->partials.bytes - fetch->state.partial.size;

	if (fetch->cost == 0 || s->held == 0 || (demand && s->demands == 0))
		return true;
	return used < budget && fetch->cost <= budget - used;
}

void schedule_end(struct schedule *s, struct fetch *fetch, int error)
{
	partials_drop(&s->partials, fetch);
	fetch_list_remove(fetch);
	fetch->error = error;
	if (error) {
		schedule_release(s, fetch);
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

/* Nobody has come back to it. */
static bool is_forsaken(const struct fetch *fetch, int64_t now)
{
	return fetch->state.abandoned && now - fetch->state.abandoned >= ABANDONED;
}

/* Past its deadline; a failure before that tells more than the deadline does. */
static void end_overdue(struct schedule *s, struct fetch *fetch)
{
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

/* Doubles with each try, the second half of it by chance (of where the fetch lies in
 * memory), so that those who failed together do not all come back together. */
static int64_t retry_wait(const struct fetch *fetch)
{
	uint64_t chance = ((uintptr_t)fetch >> 4) + fetch->state.tries;
	int64_t most = fetch->priority == FETCH_DEMAND ? RETRY_MOST_DEMAND : RETRY_MOST;
	int64_t wait = RETRY_FIRST;

	if (fetch->state.outage)
		most = HEALTH_PROBE_EVERY;
	for (unsigned i = 1; i < fetch->state.tries && wait < most; i++)
		wait *= 2;
	if (wait > most)
		wait = most;
	chance *= UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio: Knuth, TAOCP 6.4 */
	return wait / 2 + (int64_t)((chance >> 32) % (uint64_t)(wait / 2));
}

static void end_unasked(struct schedule *s, struct fetch *fetch)
{
	if (fetch->state.rank == RANK_NONE)
		trouble_set(&fetch->trouble, ERR_UNREACHABLE,
			"%s/%s: there is no mirror left to ask",
			mirrors_url(fetch->mirrors, 0), fetch->path);
	schedule_end(s, fetch, fetch->trouble.code);
}

static bool is_impatient(const struct fetch *fetch, int64_t now)
{
	return fetch->impatient || (fetch->retry_until && fetch->retry_until <= now);
}

static bool is_paused(const struct fetch *fetch, int mirror, int64_t now)
{
	return mirrors_paused_until(fetch->mirrors, (unsigned)mirror) > now;
}

/* All that could be asked ask to be left alone for longer than the fetch has time: it ends
 * at once, and its reader knows. Not ERR_TIMEOUT, after which a reader who has time left
 * comes again. False: that is not why. */
static bool end_paused(
	struct schedule *s, struct fetch *fetch, unsigned mirror, int64_t now)
{
	int64_t until = mirrors_paused_until(fetch->mirrors, mirror);

	if (until <= now || (until < fetch->deadline && !is_impatient(fetch, until)))
		return false;
	trouble_set(&fetch->trouble, ERR_UNREACHABLE,
		"%s/%s: the server asks to be left alone for %lld more seconds, which is "
		"longer than anybody waits",
		mirrors_url(fetch->mirrors, mirror), fetch->path,
		(long long)((until - now + NS_PER_SECOND - 1) / NS_PER_SECOND));
	schedule_end(s, fetch, ERR_UNREACHABLE);
	return true;
}

/* The mirror to ask, or -1 when that is for later or never; then the fetch has been moved
 * to where it belongs. */
static int choose_mirror(struct schedule *s, struct fetch *fetch, int64_t now)
{
	struct fetch_state *state = &fetch->state;
	uint64_t avoid = fetch->avoid | state->refused;
	int64_t wait = 0, least;
	int mirror = mirrors_choose(fetch->mirrors, avoid | state->failed, now, &wait);

	if (mirror >= 0 &&
		(wait == 0 || (is_impatient(fetch, now) && !is_paused(fetch, mirror, now))))
		return mirror;
	if (state->failed && !is_impatient(fetch, now)) {
		/* All that can be asked now have been: begin again, after a while. */
		mirror = mirrors_choose(fetch->mirrors, avoid, now, &wait);
		least = retry_wait(fetch);
		if (wait < least)
			wait = least;
		state->failed = 0;
	}
	if (mirror < 0) {
		end_unasked(s, fetch);
		return -1;
	}
	if (end_paused(s, fetch, (unsigned)mirror, now))
		return -1;
	if (fetch->retry_until && wait > fetch->retry_until - now)
		wait = fetch->retry_until > now ? fetch->retry_until - now : 0;
	/* One try is due to everybody, even if the mirror is backed off from for longer. */
	if (wait == 0 || (state->tries == 0 && wait >= fetch->deadline - now))
		return mirror;
	wait_until(s, fetch, now + wait);
	return -1;
}

/* Of the body, at most; for pages and recipes what one of them has as a rule. */
static uint64_t expected_bytes(const struct fetch *fetch)
{
	return fetch->cost < fetch->size_max ? fetch->cost : fetch->size_max;
}

/* The first fetch of a queue that may begin. False: none; *full when that is for want of
 * memory, so that nobody behind may overtake. */
static bool pick_from(struct schedule *s, struct fetch_list *queue, struct origins *origins,
	int64_t now, struct admission *out, bool *full)
{
	struct fetch *fetch = queue->first, *next;
	unsigned busy = 0;

	for (; fetch && busy < LOOK_AHEAD; fetch = next) {
		struct origin *origin;
		bool demand = fetch->priority == FETCH_DEMAND;
		int mirror;

		next = fetch->state.next;
		if (is_forsaken(fetch, now)) {
			schedule_interrupt(s, fetch);
			continue;
		}
		*full = !budget_allows(s, fetch);
		if (*full)
			return false;
		mirror = choose_mirror(s, fetch, now);
		if (mirror < 0)
			continue;
		origin = origins_find(
			origins, mirrors_place(fetch->mirrors, (unsigned)mirror));
		*out = (struct admission){.fetch = fetch,
			.mirror = (unsigned)mirror,
			.origin = origin,
			.bytes = expected_bytes(fetch),
			.demand = demand};
		if (origins_has_slot(origins, origin, out->bytes, demand, now))
			return true;
		if (origin_next_at(origin) > now)
			schedule_sweep_by(s, origin_next_at(origin));
		busy++;
	}
	return false;
}

/* It will begin. */
static void note_asked(struct admission *out, int64_t now)
{
	unsigned times = mirrors_asked(out->fetch->mirrors, out->mirror, now);

	out->probe = times > 0;
	out->hasty = times % HASTY_PROBES != 0;
}

bool schedule_pick(
	struct schedule *s, struct origins *origins, int64_t now, struct admission *out)
{
	struct fetch_state *state;
	bool found = false, full = false;

	for (int i = 0; i < FETCH_PRIORITIES && !found && !full; i++)
		found = pick_from(s, &s->queues[i], origins, now, out, &full);
	if (!found)
		return false;
	note_asked(out, now);
	state = &out->fetch->state;
	fetch_list_remove(out->fetch);
	state->held = out->fetch->cost;
	state->held_by_demand = out->demand && state->held > 0;
	s->held += state->held;
	s->demands += state->held_by_demand;
	state->tries++;
	s->counters.requests++;
	s->counters.retries += state->tries > 1;
	schedule_sweep_by(s, out->fetch->deadline);
	return true;
}

/* It may not keep others from memory, nor from a place at the server. */
static bool find_second(struct schedule *s, struct fetch *fetch, unsigned mirror,
	struct origins *origins, int64_t now, struct admission *out)
{
	uint64_t avoid = fetch->avoid | fetch->state.refused | fetch->state.failed |
			 UINT64_C(1) << mirror;
	bool demand = fetch->priority == FETCH_DEMAND;
	int64_t wait = 0;
	int other = mirrors_choose(fetch->mirrors, avoid, now, &wait);
	struct origin *origin;

	if (other < 0 || wait > 0 || fetch->cost > s->memory - s->memory / 4 ||
		s->held > s->memory - s->memory / 4 - fetch->cost)
		return false;
	origin = origins_find(origins, mirrors_place(fetch->mirrors, (unsigned)other));
	*out = (struct admission){.fetch = fetch,
		.mirror = (unsigned)other,
		.origin = origin,
		.bytes = expected_bytes(fetch),
		.demand = demand};
	return origins_has_slot(origins, origin, out->bytes, demand, now);
}

bool schedule_double(struct schedule *s, struct fetch *fetch, unsigned mirror,
	struct origins *origins, int64_t now, struct admission *out)
{
	if (!find_second(s, fetch, mirror, origins, now, out) || !hedge_take(&s->hedge))
		return false;
	note_asked(out, now);
	fetch->state.held += fetch->cost;
	s->held += fetch->cost;
	s->counters.requests++;
	s->counters.doubled++;
	return true;
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

void schedule_note_failure(
	struct fetch *fetch, unsigned mirror, const struct try_result *result)
{
	struct fetch_state *state = &fetch->state;

	if ((int)result->rank >= state->rank) {
		state->rank = (int)result->rank;
		fetch->trouble = result->trouble;
	}
	state->fresh = result->fresh;
	state->outage = result->unwell && result->fault == MIRROR_UNREACHABLE;
	if (result->outcome == TRY_REFUSED)
		state->refused |= UINT64_C(1) << mirror;
	else if (result->crowded)
		return; /* it waits in the queue for one of those that answer */
	/* Of one that is asked too much the fetches wait in the queue, for its gaps. */
	else if (!result->slow_down || fetch->impatient || fetch->retry_until)
		state->failed |= UINT64_C(1) << mirror;
}

void schedule_enlarge(struct schedule *s, struct fetch *fetch)
{
	schedule_release(s, fetch);
	fetch->cost = 2 * fetch->size_max; /* the body, and what it is decoded to */
	enqueue(s, fetch, true);
}

void schedule_retry(struct schedule *s, struct fetch *fetch, unsigned mirror,
	const struct try_result *result, int64_t now)
{
	schedule_release(s, fetch);
	schedule_note_failure(fetch, mirror, result);
	if (fetch->deadline <= now)
		end_overdue(s, fetch);
	else
		enqueue(s, fetch, true);
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
			end_overdue(s, fetch);
			continue;
		}
		schedule_sweep_by(s, fetch->deadline);
		if (list != &s->waiting)
			continue;
		if (fetch->state.not_before <= now)
			enqueue(s, fetch, true);
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
