/* SPDX-License-Identifier: MIT */
/*
 * How it stands with what somebody waits for, told to who asks: a value.
 */
#ifndef CAIRN_SOURCE_BLOB_WAIT_H
#define CAIRN_SOURCE_BLOB_WAIT_H

#include <stdint.h>

#include "format/blob.h"
#include "util/error.h"

enum blob_stage {
	BLOB_LOCAL,    /* looked for in the cache */
	BLOB_QUEUED,   /* to be asked for */
	BLOB_WAITING,  /* to be asked for again, at not_before */
	BLOB_FETCHING, /* asked for */
	BLOB_DECODING, /* here, and checked */
	BLOB_ARRIVED   /* about to be handed over */
};

/* Of a delta whose base is missing: about its base. */
struct blob_wait {
	enum blob_kind kind;
	struct digest digest;
	enum blob_stage stage;
	unsigned tries;
	const char *mirror; /* base URL that was asked last, as mirrors_url(), or NULL */
	int64_t not_before, deadline; /* CLOCK_MONOTONIC ns; 0: none */
	struct trouble trouble;	      /* that came of a try; code 0: none did */
};

struct in_flight;
/* For source.c. Called with the in-flight table's lock. */
void blob_wait_of(struct in_flight *f, struct blob_wait *out);

#endif
