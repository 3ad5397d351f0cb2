/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/hedge.h"
#include "util/clock.h"

#define PATIENCE_LEAST (200 * NS_PER_MS) /* less is jitter, not sickness */
#define PATIENCE_MOST (5 * NS_PER_SECOND)
#define PATIENCE_UNKNOWN NS_PER_SECOND
#define WHOLE 20 /* fetches that earn one */
#define ALLOWANCE_MOST (16 * WHOLE)

void hedge_init(struct hedge *h)
{
	*h = (struct hedge){.allowance = ALLOWANCE_MOST};
}

static void earn(struct hedge *h, unsigned twentieths)
{
	h->allowance += twentieths;
	if (h->allowance > ALLOWANCE_MOST)
		h->allowance = ALLOWANCE_MOST;
}

void hedge_note(struct hedge *h, int64_t took)
{
	int64_t off = took > h->usual ? took - h->usual : h->usual - took;

	earn(h, 1);
	if (h->usual == 0) {
		h->usual = took;
		h->deviation = took / 2;
		return;
	}
	h->deviation += (off - h->deviation) / 4;
	h->usual += (took - h->usual) / 8;
}

int64_t hedge_patience(const struct hedge *h)
{
	int64_t patience = h->usual + 4 * h->deviation;

	if (h->usual == 0)
		return PATIENCE_UNKNOWN;
	if (patience < PATIENCE_LEAST)
		return PATIENCE_LEAST;
	return patience < PATIENCE_MOST ? patience : PATIENCE_MOST;
}

bool hedge_take(struct hedge *h)
{
	if (h->allowance < WHOLE)
		return false;
	h->allowance -= WHOLE;
	return true;
}

void hedge_give_back(struct hedge *h)
{
	earn(h, WHOLE);
}
