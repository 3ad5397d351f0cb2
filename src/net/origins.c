/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "net/origins.h"

void origins_init(struct origins *o, unsigned connections)
{
	*o = (struct origins){.connections = connections};
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

bool origins_has_slot(const struct origins *o, const struct origin *origin, bool demand)
{
	unsigned limit = o->connections;

	if (origin->multiplexing == MULTIPLEXING_YES && limit < STREAMS_MAX)
		limit = STREAMS_MAX;
	if (!demand)
		limit -= limit / 4;
	return origin->active < limit;
}
