/* SPDX-License-Identifier: MIT */
/*
 * What broken connections have left of bodies, so that the rest can be asked for by range.
 * It lies with its fetch, while that is between two tries, and takes a bounded part of
 * the memory budget, so that it can keep no fetch from beginning. Pure; the schedule's lock
 * guards it all.
 */
#ifndef CAIRN_NET_PARTIALS_H
#define CAIRN_NET_PARTIALS_H

#include "net/fetch.h"

struct partials {
	uint64_t bytes, most; /* there are, there may be */
};

/* Takes what a try that failed has got, if it is worth it, more than is there, and there is
 * room; else *body is as it was. */
void partials_keep(struct partials *p, struct fetch *fetch, struct bytes *body);
/* Gives it back, for the next try: empty when there is nothing. *body is overwritten. */
void partials_take(struct partials *p, struct fetch *fetch, struct bytes *body);
void partials_drop(struct partials *p, struct fetch *fetch);

#endif
