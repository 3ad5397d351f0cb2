/* SPDX-License-Identifier: MIT */
/*
 * Counts different digests and adds up their sizes. Holds the first 8 bytes of each, so
 * two in 2^64 may be taken for one: good for totals, not for deciding whether a blob is
 * there. Lock: one mutex over the table. Any thread.
 */
#ifndef CAIRN_PUBLISH_TALLY_H
#define CAIRN_PUBLISH_TALLY_H

#include "util/digest.h"

struct tally;
struct tally *tally_new(void); /* NULL without memory */
void tally_free(struct tally *t);
/* 0 whether it was new or not; ERR_NO_MEMORY. */
int tally_add(struct tally *t, const struct digest *d, uint64_t size);
/* May it have been added? */
bool tally_has(struct tally *t, const struct digest *d);
uint64_t tally_count(struct tally *t);
uint64_t tally_bytes(struct tally *t);

#endif
