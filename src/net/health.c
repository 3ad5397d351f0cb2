/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/health.h"
#include "util/clock.h"

/* How long a server is backed off from: the first time, and at most. */
#define UNREACHABLE_FIRST (250 * NS_PER_MS)
#define UNREACHABLE_MOST HEALTH_PROBE_EVERY
#define SLOW_FIRST (5 * NS_PER_SECOND)
#define SLOW_MOST (80 * NS_PER_SECOND)
#define WRONG_FIRST (60 * NS_PER_SECOND)
#define WRONG_MOST (3600 * NS_PER_SECOND)

/* Exponential backoff: `first` doubled with each of `times`, at most `most`, less up to a
 * quarter by chance. */
static int64_t backoff(int64_t first, int64_t most, unsigned times, uint64_t chance)
{
	int64_t time = first;

	while (times-- > 0 && time < most)
		time *= 2;
	if (time > most)
		time = most;
	return time - (int64_t)(chance % (uint64_t)(time / 4));
}

bool health_failed(struct health *h, enum mirror_fault fault, uint64_t chance, int64_t now)
{
	bool first = fault == MIRROR_UNREACHABLE && !h->unreachable;
	int64_t until;

	if (fault == MIRROR_UNREACHABLE) {
		if (first)
			h->out_since = now;
		if (h->leave_until <= now)
			h->leave_until = now + backoff(UNREACHABLE_FIRST, UNREACHABLE_MOST,
						       h->unreachable++, chance);
		return first && h->unreachable;
	}
	if (fault == MIRROR_SLOW) {
		if (h->behind_until > now)
			return false;
		until = now + backoff(SLOW_FIRST, SLOW_MOST, h->slow++, chance);
	} else {
		until = now + backoff(WRONG_FIRST, WRONG_MOST, h->wrong++, chance);
	}
	if (until > h->behind_until)
		h->behind_until = until;
	return false;
}

unsigned health_asked(struct health *h, uint64_t chance, int64_t now)
{
	int64_t until;

	if (!h->unreachable)
		return 0;
	until = now + backoff(UNREACHABLE_FIRST, UNREACHABLE_MOST, ++h->probes, chance);
	if (until > h->leave_until)
		h->leave_until = until;
	return h->probes;
}

int64_t health_succeeded(struct health *h)
{
	int64_t since = h->unreachable ? h->out_since : 0;

	h->unreachable = h->slow = h->probes = 0;
	h->leave_until = 0;
	return since;
}

struct health_state health_look(const struct health *h, int64_t now)
{
	if (h->unreachable)
		return (struct health_state){HEALTH_OUT, h->leave_until, h->unreachable};
	if (h->pause_until > now)
		return (struct health_state){HEALTH_PAUSED, h->pause_until, 0};
	if (h->wrong && h->behind_until > now)
		return (struct health_state){HEALTH_WRONG, h->behind_until, h->wrong};
	if (h->slow)
		return (struct health_state){HEALTH_SLOW, h->behind_until, h->slow};
	return (struct health_state){HEALTH_WELL, 0, 0};
}

const char *health_name(enum health_word word)
{
	static const char *const words[] = {
		[HEALTH_WELL] = "well",
		[HEALTH_SLOW] = "slow",
		[HEALTH_WRONG] = "wrong bytes",
		[HEALTH_PAUSED] = "paused",
		[HEALTH_OUT] = "unreachable",
	};

	return words[word];
}
