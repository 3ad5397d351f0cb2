/* SPDX-License-Identifier: MIT */
/*
 * A blob as it came from a mirror, and how it becomes a blob buffer: nothing is allocated
 * for what it announces before that is compared with what was asked for, nothing leaves
 * that does not hash to its name. Pure; for download.c.
 */
#ifndef CAIRN_SOURCE_DECODE_H
#define CAIRN_SOURCE_DECODE_H

#include "cache/attempt.h"

struct decode {
	enum blob_kind kind;
	struct digest digest;
	/* Chunks: the exact length, or 0 for a delta's base, whose length nobody told: it
	 * is at most CHUNK_SIZE_MAX. Pages and recipes: not used. */
	uint64_t size;
	struct span stored; /* borrowed */
};

/* The longest stored form that can be right, for the fetch. */
uint64_t decode_stored_max(enum blob_kind kind, uint64_t size);
/* Bytes of the memory budget that it takes from its request to its delivery. */
uint64_t decode_cost(enum blob_kind kind, uint64_t size);

/* Checks the head against what was asked for. Only chunks may have a base, and a base
 * has none. ERR_CORRUPT with a sentence: the mirror sent wrong bytes. */
int decode_head(const struct decode *d, struct blob_head *head, struct trouble *t);
/* The verified content: a chunk as it is, a page or recipe packed. `base` only when the
 * head has one. ERR_CORRUPT: *wrong tells whether the mirror sent wrong bytes (another
 * may have the right ones) or the right bytes are no page (nobody has better ones). */
int decode_content(const struct decode *d, const struct blob_head *head,
	struct blob_codec *codec, struct span base, struct blob_buffer **out, bool *wrong,
	struct trouble *t);

#endif
