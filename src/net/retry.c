/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/retry.h"
#include "net/schedule.h"
#include "util/clock.h"

#define RETRY_FIRST (100 * NS_PER_MS) /* wait before all mirrors are asked once more */
#define RETRY_MOST (8 * NS_PER_SECOND)
#define RETRY_MOST_DEMAND (2 * NS_PER_SECOND)

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

int retry_choose_mirror(struct schedule *s, struct fetch *fetch, int64_t now)
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
	schedule_wait(s, fetch, now + wait);
	return -1;
}

void retry_note_failure(
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

void retry_fetch(struct schedule *s, struct fetch *fetch, unsigned mirror,
	const struct try_result *result, int64_t now)
{
	budget_release(&s->budget, fetch);
	retry_note_failure(fetch, mirror, result);
	if (fetch->deadline <= now)
		schedule_end_overdue(s, fetch);
	else
		schedule_add_again(s, fetch);
}
