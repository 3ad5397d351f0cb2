/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "source/blob_wait.h"
#include "source/in_flight.h"

static void wait_of_fetch(struct in_flight *f, struct blob_wait *out)
{
	static const enum blob_stage stages[] = {
		[FETCH_QUEUED] = BLOB_QUEUED,
		[FETCH_WAITING] = BLOB_WAITING,
		[FETCH_UNDER_WAY] = BLOB_FETCHING,
	};
	struct fetch_look look;

	fetcher_look(engine_fetcher(f->table->engine), &f->fetch, &look);
	out->stage = stages[look.step];
	out->tries = look.tries;
	out->mirror = look.mirror;
	out->not_before = look.step == FETCH_WAITING ? look.not_before : 0;
	out->deadline = look.deadline;
	out->trouble = look.trouble;
}

void blob_wait_of(struct in_flight *f, struct blob_wait *out)
{
	while (f->stage == IN_FLIGHT_BASE)
		f = f->base;
	*out = (struct blob_wait){.kind = f->kind, .digest = f->digest};
	switch (f->stage) {
	case IN_FLIGHT_LOCAL:
		out->stage = BLOB_LOCAL;
		break;
	case IN_FLIGHT_DECODING:
		out->stage = BLOB_DECODING;
		break;
	case IN_FLIGHT_FETCHING:
		wait_of_fetch(f, out);
		break;
	default:
		out->stage = BLOB_ARRIVED;
	}
}
