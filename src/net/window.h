/* SPDX-License-Identifier: MIT */
/*
 * How many bytes may be on their way from one server at once, so that each blob ends in
 * good time: as many as there are on a fast line, one blob on a slow one. It grows with
 * each transfer that was quick and shrinks in proportion with one that was slow (slow start
 * and multiplicative decrease: Jacobson and Karels, Congestion Avoidance and Control,
 * SIGCOMM 1988; the time is that of the bytes, not of the server's thinking). What somebody
 * waits for does not wait for what nobody does. Pure; for the fetcher's thread.
 */
#ifndef CAIRN_NET_WINDOW_H
#define CAIRN_NET_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	uint64_t limit;		      /* bytes */
	uint64_t under_way, demanded; /* bytes expected of all, and of those for demand */
	int64_t shrunk;		      /* CLOCK_MONOTONIC ns, when last */
};

void window_init(struct window *w);
/* May a transfer of that many bytes begin? One may always. */
bool window_allows(const struct window *w, uint64_t bytes, bool demand);
/* It begins; it is over, however. */
void window_enter(struct window *w, uint64_t bytes, bool demand);
void window_leave(struct window *w, uint64_t bytes, bool demand);
/* One that brought `bytes` from `began`, when the first came, until `now`. One that was cut
 * off by its deadline may have been too slow, but never quick. */
void window_note(
	struct window *w, uint64_t bytes, int64_t began, int64_t now, bool complete);

#endif
