/* SPDX-License-Identifier: MIT */
/*
 * What came of one try: libcurl's and HTTP's many results as what the fetcher does next.
 * For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_FETCH_VERDICT_H
#define CAIRN_NET_FETCH_VERDICT_H

#include "net/fetch_try.h"

enum verdict_kind {
	VERDICT_GIVEN,	 /* the body, or that it has not changed */
	VERDICT_REFUSED, /* this mirror will not give it: do not ask it again */
	VERDICT_FAILED,	 /* another time it may: ask elsewhere, or later */
};

/* How much a trouble tells; of several, the fetch reports the latest of the highest.
 * HURRIED: the deadline passed before anything else went wrong. */
enum verdict_rank { RANK_NONE, RANK_ABSENT, RANK_REFUSED, RANK_HURRIED, RANK_FAILED };

struct fetch_verdict {
	enum verdict_kind kind;
	enum verdict_rank rank;
	bool not_modified;
	bool unwell; /* the mirror is to be set back, as `fault` says */
	enum mirror_fault fault;
	bool fresh;		/* the connection is suspect: try on a new one */
	int64_t wait;		/* ns that the server asks to be left alone (Retry-After) */
	struct trouble trouble; /* names the URL; not set when given */
};

/* `code` is libcurl's, CURLE_OK when the fetcher broke the try off (t->stop). */
void fetch_verdict_reach(struct fetch_try *t, CURLcode code, struct fetch_verdict *out);

#endif
