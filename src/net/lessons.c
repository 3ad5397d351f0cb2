/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/lessons.h"
#include "util/clock.h"

/* Between two requests to a server that is asked too much: a rate of one in two seconds
 * suits most limits. 503 is also what a server says that is down, and is soon up again. */
#define GAP_MOST (2 * NS_PER_SECOND)
#define OUTAGE_GAP_MOST (500 * NS_PER_MS)

/* Who was asked last. */
static const char *server_name(const struct fetch_try *t)
{
	return t->hop.origin ? t->hop.origin : mirrors_url(t->fetch->mirrors, t->mirror);
}

static void say_back(const struct fetch_try *t, struct log *log, int64_t since, int64_t now)
{
	if (since)
		log_notice(log, "%s answers again, after %lld s", server_name(t),
			(long long)((now - since + NS_PER_SECOND / 2) / NS_PER_SECOND));
}

/* What was learnt about the servers: the mirror, and where it redirected to. */
static void note_health(
	struct fetch_try *t, const struct try_result *result, struct log *log, int64_t now)
{
	struct mirrors *m = t->fetch->mirrors;
	int64_t since = 0, server_since = 0;

	if (t->answered && !t->stop)
		fetch_try_note_version(t);
	if (t->answered && t->trail.count == 0) {
		mirrors_led(m, t->mirror, mirrors_origin(m, t->mirror));
		origin_led(t->origin, NULL);
	}
	if (result->outcome == TRY_GIVEN)
		since = mirrors_succeeded(
			m, t->mirror, now - t->started, t->body.size - t->resumed);
	if (result->unwell && mirrors_failed(m, t->server, result->fault, now))
		log_notice(log, "%s cannot be reached: %s", server_name(t),
			result->trouble.text);
	else if (!result->unwell && t->answered)
		server_since = mirrors_succeeded(m, t->server, 0, 0);
	say_back(t, log, since ? since : server_since, now);
}

/* Whether its server wants to be asked less, or can take more. */
static void note_demand(
	struct fetch_try *t, const struct try_result *result, struct log *log, int64_t now)
{
	int64_t gap_most = result->status == 429 ? GAP_MOST : OUTAGE_GAP_MOST;

	if (result->wait)
		mirrors_pause(t->fetch->mirrors, t->server, now + result->wait);
	if (result->slow_down) {
		origin_slow_down(t->origin, t->asked_at, now, gap_most);
		if (origin_may_warn(t->origin, now))
			log_warning(log,
				"%s asks to slow down (it answered %ld): it is asked less "
				"for a while",
				server_name(t), result->status);
	} else if (t->answered && !t->stop && !result->unwell) {
		origin_speed_up(t->origin);
	}
}

/* How many connections it serves at a time. */
static void note_slots(
	struct fetch_try *t, const struct try_result *result, struct log *log, int64_t now)
{
	struct slots *slots = &t->origin->slots;

	if (!result->crowded || !slots_learn(slots, t->asked_at, now))
		return;
	if (origin_may_warn(t->origin, now))
		log_warning(log,
			"%s answers on %u connection%s at a time, and leaves others "
			"waiting: "
			"no more are opened for a while",
			server_name(t), slots->most, slots->most == 1 ? "" : "s");
}

/* What was learnt about the line: how much may be under way. */
static void note_window(struct fetch_try *t, const struct try_result *result, int64_t now)
{
	bool complete = result->outcome == TRY_GIVEN;

	if (t->first_byte && (complete || t->stop == STOP_DEADLINE))
		window_note(&t->origin->line, t->body.size - t->resumed, t->first_byte, now,
			complete);
}

void lessons_take(
	struct fetch_try *t, const struct try_result *result, struct log *log, int64_t now)
{
	note_health(t, result, log, now);
	note_demand(t, result, log, now);
	note_slots(t, result, log, now);
	note_window(t, result, now);
}
