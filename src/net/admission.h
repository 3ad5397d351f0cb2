/* SPDX-License-Identifier: MIT */
/*
 * What the schedule lets begin and fetch_try.h carries out: one try to get a fetch from a
 * mirror. A value, for the fetcher's thread alone.
 */
#ifndef CAIRN_NET_ADMISSION_H
#define CAIRN_NET_ADMISSION_H

#include <stdbool.h>

#include "net/fetch.h"
#include "net/origins.h"

struct admission {
	struct fetch *fetch;
	unsigned mirror;       /* number of it in fetch->mirrors */
	struct origin *origin; /* of that mirror */
	uint64_t bytes;	       /* that are expected, at most */
	bool demand;	       /* somebody waits for it */
	bool probe;	       /* the mirror was out of reach: has it come back? */
	bool hasty;	       /* then: it gets less time than others to answer */
};

#endif
