/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "net/mirror.h"

#define COST_UNIT 65536.0 /* bytes that weigh as much as the round trip */
#define COST_WEIGHT 0.2	  /* of the newest sample in the moving average */

void mirror_release(struct mirror *m)
{
	free(m->url);
	free(m->origin);
	m->url = m->origin = NULL;
}

/* Where it stands, and until when. */
struct standing {
	enum { AT_ONCE, BEHIND_ITS_PEERS, LEFT_ALONE } rank;
	int64_t until;
};

int64_t mirror_paused_until(const struct mirror *m)
{
	int64_t until = m->health.pause_until;

	if (m->leads_to && m->leads_to->pause_until > until)
		until = m->leads_to->pause_until;
	return until;
}

/* What a mirror leads to puts it behind its peers, and makes nobody wait: the next redirect
 * may lead elsewhere. */
static struct standing mirror_standing(const struct mirror *m, int64_t now)
{
	int64_t behind = m->health.behind_until, leave = mirror_paused_until(m);

	if (m->health.leave_until > leave)
		leave = m->health.leave_until;
	if (leave > now)
		return (struct standing){LEFT_ALONE, leave};
	if (m->leads_to && m->leads_to->leave_until > behind)
		behind = m->leads_to->leave_until;
	if (m->leads_to && m->leads_to->behind_until > behind)
		behind = m->leads_to->behind_until;
	if (behind > now)
		return (struct standing){BEHIND_ITS_PEERS, behind};
	return (struct standing){AT_ONCE, 0};
}

bool mirror_is_better(const struct mirror *a, const struct mirror *b, int64_t now)
{
	struct standing of_a = mirror_standing(a, now), of_b = mirror_standing(b, now);

	if (of_a.rank != of_b.rank)
		return of_a.rank < of_b.rank;
	if (of_a.rank != AT_ONCE)
		return of_a.until < of_b.until;
	/* Measured ones first; then in the order in which they were given. */
	if (a->cost == 0 || b->cost == 0)
		return a->cost != 0 && b->cost == 0;
	return a->cost < b->cost;
}

int64_t mirror_wait(const struct mirror *m, int64_t now)
{
	struct standing standing = mirror_standing(m, now);

	return standing.rank == LEFT_ALONE ? standing.until - now : 0;
}

/* Bytes, in COST_UNIT, and the round trip. */
static double cost_units(uint64_t bytes)
{
	return (double)bytes / COST_UNIT + 1;
}

void mirror_measure(struct mirror *m, int64_t took_ns, uint64_t bytes)
{
	double cost = (double)took_ns / cost_units(bytes);

	if (bytes == 0 || took_ns <= 0)
		return;
	m->cost = m->cost == 0 ? cost : m->cost + (cost - m->cost) * COST_WEIGHT;
}

int64_t mirror_usual_time(const struct mirror *m, uint64_t bytes)
{
	return (int64_t)(m->cost * cost_units(bytes));
}
