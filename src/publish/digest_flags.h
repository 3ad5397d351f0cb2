/* SPDX-License-Identifier: MIT */
/*
 * Flags of digests, in bounded memory: of those in a range alone, which becomes smaller
 * when the table is full, so that who needs all of them comes again for the next range. Of
 * a digest 60 bits are kept: two in 2^60 may be taken for one. Lock: one mutex over the
 * table. Any thread.
 */
#ifndef CAIRN_PUBLISH_DIGEST_FLAGS_H
#define CAIRN_PUBLISH_DIGEST_FLAGS_H

#include "util/digest.h"

#define DIGEST_FLAGS_ALL 15u /* four of them */
#define DIGEST_FLAGS_MIN 64  /* places, at least */

struct digest_flags;
/* `memory`: bytes that it takes at most. NULL without memory. */
struct digest_flags *digest_flags_new(uint64_t memory);
void digest_flags_free(struct digest_flags *f); /* may be NULL */

/* Empties it; its range is from then on from `first` to `last`, each the first 8 bytes of
 * a digest, big-endian. */
void digest_flags_begin(struct digest_flags *f, uint64_t first, uint64_t last);
/* The end of the range, which may have come nearer. */
uint64_t digest_flags_last(struct digest_flags *f);
bool digest_flags_covers(struct digest_flags *f, const struct digest *d);
/* Adds flags, if it is in the range. *before: those that it had. ERR_NO_MEMORY. */
int digest_flags_add(
	struct digest_flags *f, const struct digest *d, unsigned flags, unsigned *before);
/* 0: none, or it is not in the range. */
unsigned digest_flags_of(struct digest_flags *f, const struct digest *d);
/* Adds `flags` of all that have any in `from`. */
int digest_flags_add_all(struct digest_flags *f, struct digest_flags *from, unsigned flags);
uint64_t digest_flags_count(struct digest_flags *f);
/* The first 8 bytes, as ranges are given. */
uint64_t digest_flags_key(const struct digest *d);

#endif
