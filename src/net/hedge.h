/* SPDX-License-Identifier: MIT */
/*
 * When a fetch that is under way is doubled to another mirror: when it has taken much
 * longer than its peers did lately, and there is an allowance left. A fetch in twenty earns
 * one, and a second try that was worth it gives its own back, so that a healthy set of
 * mirrors gets hardly more to do while a sick mirror is got round at once. (Dean and
 * Barroso, The Tail at Scale, CACM 56.2, 2013; the estimate of what is usual is RFC
 * 6298's.) Pure; its owner locks.
 */
#ifndef CAIRN_NET_HEDGE_H
#define CAIRN_NET_HEDGE_H

#include <stdbool.h>
#include <stdint.h>

struct hedge {
	int64_t usual, deviation; /* ns, of the time that fetches took; 0: none yet */
	unsigned allowance;	  /* in twentieths */
};

void hedge_init(struct hedge *h);
/* A first try took that long, ns, and gave what was asked for. */
void hedge_note(struct hedge *h, int64_t took);
/* After how long, ns, a try is slower than its peers. */
int64_t hedge_patience(const struct hedge *h);
/* Takes one of the allowance; false: there is none. */
bool hedge_take(struct hedge *h);
/* The second try that was taken for was faster, or was never begun. */
void hedge_give_back(struct hedge *h);

#endif
