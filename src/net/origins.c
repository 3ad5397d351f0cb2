/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "net/origins.h"
#include "util/clock.h"

#define GAP_FIRST (100 * NS_PER_MS)
#define GAP_LEAST (10 * NS_PER_MS) /* less is none: the fetcher looks no more often */
#define WARN_EVERY (60 * NS_PER_SECOND)

void origins_init(struct origins *o, unsigned connections)
{
	*o = (struct origins){.connections = connections};
	for (unsigned i = 0; i < ORIGINS_MAX; i++)
		window_init(&o->items[i].line);
}

void origins_release(struct origins *o)
{
	for (unsigned i = 0; i < ORIGINS_MAX; i++)
		free(o->items[i].name);
}

struct origin *origins_find(struct origins *o, const char *name)
{
	struct origin *origin;

	for (unsigned i = 0; i < o->count; i++)
		if (!strcmp(o->items[i].name, name))
			return &o->items[i];
	origin = &o->items[o->count];
	if (o->count == ORIGINS_MAX - 1)
		return origin;
	origin->name = strdup(name);
	if (!origin->name)
		return &o->items[ORIGINS_MAX - 1];
	o->count++;
	return origin;
}

static unsigned limit_of(
	const struct origins *o, const struct origin *origin, bool demand, int64_t now)
{
	unsigned limit = o->connections;

	if (origin->multiplexing == MULTIPLEXING_YES && limit < STREAMS_MAX)
		limit = STREAMS_MAX;
	else if (slots_are_few(&origin->slots, now) && origin->slots.most < limit)
		limit = origin->slots.most;
	if (origin->window && origin->window < limit)
		return origin->window;
	return demand ? limit : limit - limit / 4;
}

/* The bytes come from where it leads to. */
static bool line_allows(const struct origin *origin, uint64_t bytes, bool demand)
{
	const struct window *here = &origin->line;
	struct window line;

	if (!origin->leads_to)
		return window_allows(here, bytes, demand);
	line = origin->leads_to->line;
	window_enter(&line, here->demanded, true);
	window_enter(&line, here->under_way - here->demanded, false);
	return window_allows(&line, bytes, demand);
}

bool origins_has_slot(const struct origins *o, const struct origin *origin, uint64_t bytes,
	bool demand, int64_t now)
{
	const struct origin *to = origin->leads_to;

	if (origin->next_at > now || origin->active >= limit_of(o, origin, demand, now) ||
		!line_allows(origin, bytes, demand))
		return false;
	/* Those under way here will be there soon. */
	return !to || (to->next_at <= now &&
			      origin->active + to->active < limit_of(o, to, demand, now));
}

int64_t origin_next_at(const struct origin *origin)
{
	int64_t next_at = origin->next_at;

	if (origin->leads_to && origin->leads_to->next_at > next_at)
		next_at = origin->leads_to->next_at;
	return next_at;
}

void origin_begin(struct origin *origin, int64_t now)
{
	struct origin *to = origin->leads_to;

	origin->active++;
	origin->next_at = now + origin->gap;
	if (to && to->gap)
		to->next_at = now + to->gap;
}

void origin_end(struct origin *origin)
{
	origin->active--;
}

void origin_led(struct origin *origin, struct origin *to)
{
	origin->leads_to = to == origin ? NULL : to;
	if (to)
		origin_speed_up(origin);
}

void origin_slow_down(struct origin *origin, int64_t began, int64_t now, int64_t gap_most)
{
	if (origin->slowed_at && began <= origin->slowed_at)
		return;
	origin->slowed_at = now;
	origin->window = origin->active > 3 ? origin->active / 2 : 1;
	origin->credit = 0;
	origin->gap = origin->gap ? 2 * origin->gap : GAP_FIRST;
	if (origin->gap > gap_most)
		origin->gap = gap_most;
	origin->next_at = now + origin->gap;
}

void origin_speed_up(struct origin *origin)
{
	origin->gap -= origin->gap / 5;
	if (origin->gap < GAP_LEAST)
		origin->gap = 0;
	if (!origin->window || ++origin->credit < origin->window)
		return;
	origin->credit = 0;
	origin->window = origin->window < STREAMS_MAX ? origin->window + 1 : 0;
}

bool origin_may_warn(struct origin *origin, int64_t now)
{
	if (origin->warned_at && now - origin->warned_at < WARN_EVERY)
		return false;
	origin->warned_at = now;
	return true;
}
