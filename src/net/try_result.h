/* SPDX-License-Identifier: MIT */
/*
 * What came of one try: libcurl's and HTTP's many results as what the fetcher does next.
 * The struct is a value, which the schedule takes; it is made on the fetcher's thread.
 */
#ifndef CAIRN_NET_TRY_RESULT_H
#define CAIRN_NET_TRY_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/mirrors.h"
#include "util/error.h"

struct fetch_try;

enum try_outcome {
	TRY_GIVEN,   /* the body, or that it has not changed */
	TRY_REFUSED, /* this mirror will not give it: do not ask it again */
	TRY_LARGE,   /* it needs more memory than it was admitted with: let it have that */
	TRY_FAILED,  /* another time it may: ask elsewhere, or later */
};

/* How much a trouble tells; of several, the fetch reports the latest of the highest.
 * HURRIED: the deadline passed before anything else went wrong. */
enum trouble_rank { RANK_NONE, RANK_ABSENT, RANK_REFUSED, RANK_HURRIED, RANK_FAILED };

struct try_result {
	enum try_outcome outcome;
	enum trouble_rank rank;
	bool not_modified;
	bool unwell; /* the mirror is to be told to mirrors_failed(), as `fault` says */
	enum mirror_fault fault;
	bool whole;		/* the part that was asked for is not what came */
	bool fresh;		/* the connection is suspect: try on a new one */
	bool slow_down;		/* the server says that it is asked too much (429, 503) */
	bool crowded;		/* other connections to the server answer, not this one */
	long status;		/* of the answer; 0: there was none */
	int64_t wait;		/* ns that the server asks to be left alone (Retry-After) */
	struct trouble trouble; /* names the URL; not set when given */
};

/* Of a try that has ended, or that was broken off (its `stop`). */
void try_result_classify(struct fetch_try *t, struct try_result *out);

#endif
