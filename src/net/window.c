/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/window.h"
#include "util/clock.h"

/* Four chunks of the mean size: at 0.5 Mbit/s they take half a minute together, and after
 * one round trip of a fast line three times as many may go. */
#define LIMIT_FIRST (UINT64_C(2) << 20)
#define LIMIT_MOST (UINT64_C(1) << 30)
#define QUICK (2 * NS_PER_SECOND) /* a transfer of less lets more begin */
#define AIM (4 * NS_PER_SECOND)
#define SLOW (8 * NS_PER_SECOND) /* of more, fewer */

void window_init(struct window *w)
{
	*w = (struct window){.limit = LIMIT_FIRST};
}

bool window_allows(const struct window *w, uint64_t bytes, bool demand)
{
	uint64_t before = demand ? w->demanded : w->under_way;

	return bytes == 0 || before == 0 ||
	       (before < w->limit && bytes <= w->limit - before);
}

void window_enter(struct window *w, uint64_t bytes, bool demand)
{
	w->under_way += bytes;
	if (demand)
		w->demanded += bytes;
}

void window_leave(struct window *w, uint64_t bytes, bool demand)
{
	w->under_way -= bytes;
	if (demand)
		w->demanded -= bytes;
}

void window_note(
	struct window *w, uint64_t bytes, int64_t began, int64_t now, bool complete)
{
	int64_t took = now - began;

	if (took <= QUICK && complete) {
		w->limit += 2 * bytes;
		if (w->limit > LIMIT_MOST)
			w->limit = LIMIT_MOST;
	} else if (took > SLOW && began >= w->shrunk) {
		/* Those that were on their way together say so once. */
		w->limit = (uint64_t)((double)w->limit * AIM / (double)took);
		w->shrunk = now;
	}
}
