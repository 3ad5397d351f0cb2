/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/sweep.h"
#include "util/clock.h"

/* Deadlines hold to this, however many there are. */
#define SWEEP_INTERVAL (10 * NS_PER_MS)
#define LATE_INTERVAL (100 * NS_PER_MS) /* until a second try is thought of once more */
/* Times what a mirror takes as a rule: then its bytes come too slowly. */
#define ARRIVING_LATE 4
/* TCP asks for a connection at 0, 1 and 3 s (RFC 6298), then only after 7. */
#define HASTY_PATIENCE (3500 * NS_PER_MS)
/* A server that is well answers within it, on a new connection too. */
#define CROWDED_LEAST (2 * NS_PER_SECOND)

/* For how long, ns, one that was asked for then waits on a new connection while its server
 * answers on others: so that there is time left to ask on those. */
static int64_t crowded_patience(const struct fetch_try_settings *settings,
	const struct fetch *fetch, int64_t asked_at)
{
	int64_t most = settings->stall_timeout / 3;
	int64_t half = (fetch->deadline - asked_at) / 2;

	if (half < CROWDED_LEAST)
		half = CROWDED_LEAST;
	return half < most ? half : most;
}

void sweep_expect(struct schedule *s, const struct fetch_try_settings *settings,
	const struct fetch *fetch, int64_t now)
{
	schedule_sweep_by(s, now + settings->connect_timeout);
	schedule_sweep_by(s, now + settings->stall_timeout);
	schedule_sweep_by(s, now + HASTY_PATIENCE);
	schedule_sweep_by(s, now + crowded_patience(settings, fetch, now));
	if (mirrors_count(fetch->mirrors) > 1)
		schedule_sweep_by(s, now + hedge_patience(&s->hedge));
}

void sweep_note_progress(struct schedule *s, const struct fetch_try *t, int64_t now)
{
	if (t->first_byte)
		progress_note(&s->progress, t->fetch, t->body.size, t->heard, now);
}

/* For how long, ns, it may be silent. */
static int64_t try_patience(
	const struct fetch_try_settings *settings, const struct fetch_try *t)
{
	int64_t patience = t->connected ? settings->stall_timeout
					: settings->connect_timeout + SWEEP_INTERVAL;
	int64_t crowded = crowded_patience(settings, t->fetch, t->asked_at);

	if (patience > crowded && fetch_try_is_crowded_out(t))
		return crowded;
	if (t->hasty && !t->answered && patience > HASTY_PATIENCE)
		return HASTY_PATIENCE;
	return patience;
}

/* Why a try is to be broken off now, and if not, when to look again. */
static enum fetch_stop stop_reason(
	struct schedule *s, const struct fetch_try *t, int64_t patience, int64_t now)
{
	if (t->fetch->state.cancelled)
		return STOP_CANCELLED;
	if (t->fetch->deadline <= now)
		return STOP_DEADLINE;
	if (t->heard + patience <= now)
		return STOP_SILENCE;
	schedule_sweep_by(s, t->fetch->deadline);
	schedule_sweep_by(s, t->heard + patience);
	return STOP_NOT;
}

/* When a second try is due. One whose bytes come takes its time: on a slow line a second
 * would only take the place of others. */
static int64_t late_at(struct schedule *s, const struct fetch_try *t, int64_t now)
{
	int64_t usual;

	if (!fetch_try_is_arriving(t, now))
		return t->started + hedge_patience(&s->hedge);
	usual = mirrors_usual_time(t->fetch->mirrors, t->mirror, t->body.size - t->resumed);
	if (usual == 0)
		return now + LATE_INTERVAL;
	return t->started + ARRIVING_LATE * usual + hedge_patience(&s->hedge);
}

/* Whether a second try is due; if not, when to look again. */
static bool is_late(struct schedule *s, const struct fetch_try *t, int64_t now)
{
	int64_t due = late_at(s, t, now);

	if (t->stop != STOP_NOT || t->twin || mirrors_count(t->fetch->mirrors) == 1)
		return false;
	schedule_sweep_by(s, due > now ? due : now + LATE_INTERVAL);
	return due <= now;
}

bool sweep_run(struct schedule *s, struct tries *tries, int64_t now, bool stopping)
{
	bool stop = false;

	for (struct fetch_try *t = tries->first; t; t = t->next)
		sweep_note_progress(s, t, now);
	schedule_sweep(s, now, stopping);
	for (struct fetch_try *t = tries->first; t; t = t->next) {
		int64_t patience = try_patience(&tries->settings, t);

		t->stop = stopping ? STOP_CANCELLED : stop_reason(s, t, patience, now);
		t->late = is_late(s, t, now);
		stop = stop || t->stop != STOP_NOT;
	}
	if (s->sweep_at < now + SWEEP_INTERVAL)
		s->sweep_at = now + SWEEP_INTERVAL;
	return stop;
}
