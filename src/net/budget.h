/* SPDX-License-Identifier: MIT */
/*
 * The memory that fetches may take at once, for their bodies and what is made of them: each
 * holds its cost from its first try until it is given back. One fetch may always begin, and
 * beside it one of demand; of the others a quarter is kept free for demand. What broken
 * connections left counts, too (partials.h). Pure; the schedule's lock guards it all.
 */
#ifndef CAIRN_NET_BUDGET_H
#define CAIRN_NET_BUDGET_H

#include "net/fetch.h"
#include "net/partials.h"

struct budget {
	uint64_t memory;	  /* bytes there are */
	uint64_t held;		  /* of them, by fetches */
	unsigned demands;	  /* fetches of demand that hold some */
	struct partials partials; /* beside `held` */
};

void budget_init(struct budget *b, uint64_t memory);
/* May it begin now? */
bool budget_allows(const struct budget *b, const struct fetch *fetch);
/* It begins: holds its cost, for demand or not. */
void budget_take(struct budget *b, struct fetch *fetch, bool demand);
/* May it hold its cost twice, for a second try? That keeps nobody from memory. */
bool budget_allows_second(const struct budget *b, const struct fetch *fetch);
void budget_take_second(struct budget *b, struct fetch *fetch);
/* Gives back all that the fetch holds; nothing when it holds none. */
void budget_release(struct budget *b, struct fetch *fetch);
/* What it holds no longer counts as held by demand; see fetcher_lower(). */
void budget_lower(struct budget *b, struct fetch *fetch);

#endif
