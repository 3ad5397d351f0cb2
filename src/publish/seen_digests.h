/* SPDX-License-Identifier: MIT */
/*
 * Which pages and recipes were met before, in a table of a fixed size: one that finds no
 * place puts another out, so that "no" may be said of a digest that was met, but "yes"
 * never of one that was not. Lock: one mutex over the table. Any thread.
 */
#ifndef CAIRN_PUBLISH_SEEN_DIGESTS_H
#define CAIRN_PUBLISH_SEEN_DIGESTS_H

#include "util/digest.h"

struct seen_digests;
/* `memory`: bytes, of which it takes at most so many, and at least a few KiB. NULL without
 * memory. */
struct seen_digests *seen_digests_new(uint64_t memory);
void seen_digests_free(struct seen_digests *s); /* may be NULL */
/* Was it met before? From now on it was. */
bool seen_digests_meet(struct seen_digests *s, const struct digest *d);
/* None was. */
void seen_digests_clear(struct seen_digests *s);

#endif
