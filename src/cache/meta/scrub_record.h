/* SPDX-License-Identifier: MIT */
/*
 * How far the scrub of a cache has got, and whose turn it is: one record in the books. A
 * user of the cache takes the turn by writing his number and the time into it, and writes
 * it again as long as he goes on. Each write says what was there before: who was stopped
 * for long, and lost his turn, notices with his next one. Values in, values out.
 */
#ifndef CAIRN_CACHE_META_SCRUB_RECORD_H
#define CAIRN_CACHE_META_SCRUB_RECORD_H

#include "cache/meta/metadata.h"
#include "format/object_id.h"

struct scrub_record {
	uint64_t user;		/* whose turn it is; 0: nobody's */
	int64_t seen;		/* his last write, seconds since 1970 */
	int64_t begun;		/* this pass, seconds since 1970; 0: never */
	int64_t ended;		/* the last complete one; 0: never */
	uint64_t bytes;		/* looked at in this pass */
	uint64_t rotten;	/* pieces found in this pass */
	uint64_t rotten_before; /* in the last complete one */
	uint64_t rotten_ever;	/* in all passes */
	/* The place: see struct check_place. */
	uint64_t stage, has_at, ordinal;
	struct object_id at;
};

/* Zeros before the first one, and when it was rotten. */
int scrub_record_get(struct metadata *m, struct scrub_record *out);
/* ERR_CHANGED: it is no longer `was`, and nothing was written. ERR_TIMEOUT. */
int scrub_record_swap(struct metadata *m, int64_t deadline, const struct scrub_record *was,
	const struct scrub_record *now);

#endif
