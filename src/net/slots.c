/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/slots.h"
#include "util/clock.h"

#define KEEP_FIRST (60 * NS_PER_SECOND)
#define KEEP_MOST (1800 * NS_PER_SECOND)

void slots_note(struct slots *s, int port, int64_t now)
{
	struct slot *oldest = &s->items[0];

	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		struct slot *item = &s->items[i];

		if (item->port == port) {
			item->heard = now;
			return;
		}
		if (item->heard < oldest->heard)
			oldest = item;
	}
	*oldest = (struct slot){port, now};
}

unsigned slots_count(const struct slots *s, int64_t since)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		count += s->items[i].heard && s->items[i].heard >= since;
	return count;
}

bool slots_learn(struct slots *s, int64_t began, int64_t now)
{
	unsigned count = slots_count(s, began);

	if (s->learned_at && began <= s->learned_at)
		return false;
	/* Among those counted are some that have been closed since. */
	if (slots_are_few(s, now) && count >= s->most)
		count = s->most / 2;
	s->most = count > 0 ? count : 1;
	s->keep = now - s->until < s->keep ? 2 * s->keep : KEEP_FIRST;
	if (s->keep > KEEP_MOST)
		s->keep = KEEP_MOST;
	s->learned_at = now;
	s->until = now + s->keep;
	return true;
}

bool slots_are_few(const struct slots *s, int64_t now)
{
	return now < s->until;
}
