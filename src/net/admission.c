/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/admission.h"
#include "net/retry.h"
#include "net/schedule.h"
#include "util/clock.h"

#define HASTY_PROBES 4 /* of so many all but one: a server may need long to answer */
/* For so long a place in the queue is kept for who comes again. */
#define ABANDONED NS_PER_SECOND
#define LOOK_AHEAD 64 /* fetches for a busy server that let one for another pass */

/* Nobody has come back to it. */
static bool is_forsaken(const struct fetch *fetch, int64_t now)
{
	return fetch->state.abandoned && now - fetch->state.abandoned >= ABANDONED;
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
		*full = !budget_allows(&s->budget, fetch);
		if (*full)
			return false;
		mirror = retry_choose_mirror(s, fetch, now);
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

bool admission_pick(
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
	budget_take(&s->budget, out->fetch, out->demand);
	state->tries++;
	state->asked = (int)out->mirror;
	s->counters.requests++;
	s->counters.retries += state->tries > 1;
	/* Up to now: the last sweep may have been long ago. */
	progress_renew(&s->progress, out->fetch, now);
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

	if (other < 0 || wait > 0 || !budget_allows_second(&s->budget, fetch))
		return false;
	origin = origins_find(origins, mirrors_place(fetch->mirrors, (unsigned)other));
	*out = (struct admission){.fetch = fetch,
		.mirror = (unsigned)other,
		.origin = origin,
		.bytes = expected_bytes(fetch),
		.demand = demand};
	return origins_has_slot(origins, origin, out->bytes, demand, now);
}

bool admission_double(struct schedule *s, struct fetch *fetch, unsigned mirror,
	struct origins *origins, int64_t now, struct admission *out)
{
	if (!find_second(s, fetch, mirror, origins, now, out) || !hedge_take(&s->hedge))
		return false;
	note_asked(out, now);
	budget_take_second(&s->budget, fetch);
	s->counters.requests++;
	s->counters.doubled++;
	return true;
}
