/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/neighbours.h"

bool neighbours_know(struct neighbours *n, const struct digest *object)
{
	for (unsigned i = 0; i < NEIGHBOURS_STREAMS; i++) {
		struct neighbour *s = &n->streams[i];

		if (!s->age || !digest_equal(&s->object, object))
			continue;
		s->age = ++n->clock;
		return true;
	}
	return false;
}

static bool neighbour_continues(const struct neighbour *s, uint64_t rank)
{
	return s->age && rank > s->rank && rank - s->rank <= NEIGHBOURS_STEP;
}

static unsigned neighbour_next_ahead(const struct neighbour *s)
{
	if (!s->ahead)
		return 1;
	return 2 * s->ahead < NEIGHBOURS_MOST ? 2 * s->ahead : NEIGHBOURS_MOST;
}

unsigned neighbours_note(struct neighbours *n, const struct digest *object, uint64_t rank)
{
	struct neighbour *found = NULL, *oldest = &n->streams[0];
	struct neighbour now = {.object = *object, .rank = rank, .age = ++n->clock};

	for (unsigned i = 0; i < NEIGHBOURS_STREAMS; i++) {
		struct neighbour *s = &n->streams[i];

		if (neighbour_continues(s, rank) && (!found || s->rank > found->rank))
			found = s;
		if (s->age < oldest->age)
			oldest = s;
	}
	if (found)
		now.ahead = neighbour_next_ahead(found);
	*(found ? found : oldest) = now;
	return now.ahead;
}
