/* SPDX-License-Identifier: MIT */
/*
 * What is learnt from the header lines of a try's answers, which come one by one and may be
 * anything, in any number. A value; for the fetcher's thread alone.
 */
#ifndef CAIRN_NET_ANSWER_HEAD_H
#define CAIRN_NET_ANSWER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/fetch.h"

struct answer_head {
	/* Of the answer at hand: */
	char etag[FETCH_ETAG_MAX];
	char *location;	      /* as it came; NULL: none. Heap */
	uint64_t range_start; /* where its part of the body begins; UINT64_MAX: not told */
	uint64_t range_size;  /* bytes of what it is a part of; UINT64_MAX: not told */
	/* Of all of them: */
	size_t size; /* bytes of lines */
	bool too_long, no_memory;
};

/* One more line, with its end. False: the try is to be broken off, too_long or no_memory
 * tells why. */
bool answer_head_take(struct answer_head *h, const char *line, size_t size);
/* Forgets the answer at hand, a redirect or a 100. */
void answer_head_forget(struct answer_head *h);
/* Forgets all. */
void answer_head_release(struct answer_head *h);
/* Can it be sent back as it is? Others are not kept. */
bool answer_head_etag_is_clean(const char *etag, size_t size);

#endif
