/* SPDX-License-Identifier: MIT */
/*
 * Who goes next: which fetch of the schedule begins now, and which one that is under way is
 * doubled to another mirror. Each admission is one try, which fetch_try.h carries out. For
 * the fetcher's thread, with the schedule's lock held.
 */
#ifndef CAIRN_NET_ADMISSION_H
#define CAIRN_NET_ADMISSION_H

#include <stdbool.h>

#include "net/fetch.h"
#include "net/origins.h"

struct schedule;

/* A value. */
struct admission {
	struct fetch *fetch;
	unsigned mirror;       /* number of it in fetch->mirrors */
	struct origin *origin; /* of that mirror */
	uint64_t bytes;	       /* that are expected, at most */
	bool demand;	       /* somebody waits for it */
	bool probe;	       /* the mirror was out of reach: has it come back? */
	bool hasty;	       /* then: it gets less time than others to answer */
};

/* Takes the next fetch that may begin out of its queue; false: none may. */
bool admission_pick(
	struct schedule *s, struct origins *origins, int64_t now, struct admission *out);
/* A second try for a fetch whose first, at `mirror`, is slower than its peers: at another
 * mirror that can be asked at once. False: there is none, or no allowance or memory. */
bool admission_double(struct schedule *s, struct fetch *fetch, unsigned mirror,
	struct origins *origins, int64_t now, struct admission *out);

#endif
