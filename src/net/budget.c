/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/budget.h"

void budget_init(struct budget *b, uint64_t memory)
{
	*b = (struct budget){.memory = memory, .partials.most = memory / 4};
}

/* What nobody waits for yet leaves a quarter to those who do. */
static uint64_t lesser_share(const struct budget *b)
{
	return b->memory - b->memory / 4;
}

bool budget_allows(const struct budget *b, const struct fetch *fetch)
{
	bool demand = fetch->priority == FETCH_DEMAND;
	uint64_t share = demand ? b->memory : lesser_share(b);
	uint64_t used = b->held + b->partials.bytes - fetch->state.partial.size;

	if (fetch->cost == 0 || b->held == 0 || (demand && b->demands == 0))
		return true;
	return used < share && fetch->cost <= share - used;
}

void budget_take(struct budget *b, struct fetch *fetch, bool demand)
{
	struct fetch_state *state = &fetch->state;

	state->held = fetch->cost;
	state->held_by_demand = demand && state->held > 0;
	b->held += state->held;
	b->demands += state->held_by_demand;
}

bool budget_allows_second(const struct budget *b, const struct fetch *fetch)
{
	uint64_t share = lesser_share(b);

	return fetch->cost <= share && b->held <= share - fetch->cost;
}

void budget_take_second(struct budget *b, struct fetch *fetch)
{
	fetch->state.held += fetch->cost;
	b->held += fetch->cost;
}

void budget_release(struct budget *b, struct fetch *fetch)
{
	b->held -= fetch->state.held;
	fetch->state.held = 0;
	budget_lower(b, fetch);
}

void budget_lower(struct budget *b, struct fetch *fetch)
{
	if (fetch->state.held_by_demand)
		b->demands--;
	fetch->state.held_by_demand = false;
}
