/* SPDX-License-Identifier: MIT */
/*
 * Which digests were met already, in as much memory as it is given and no more: who is told
 * that it is full does without, at the price of doing something twice. It keeps the first
 * 16 bytes of each, which nobody can have two digests share. One thread.
 */
#ifndef CAIRN_PUBLISH_DIGEST_SET_H
#define CAIRN_PUBLISH_DIGEST_SET_H

#include "util/digest.h"
#include "util/error.h"

/* Zero-initialised is empty. */
struct digest_set {
	struct digest_key *slots; /* a power of two of them, or none yet */
	size_t slot_count, count;
	uint64_t memory; /* bytes of slots, at most; set by the owner */
};

/* ERR_EXISTS: it is in there; ERR_LIMIT: it is not, and there is no room. ERR_NO_MEMORY. */
int digest_set_add(struct digest_set *s, const struct digest *d);
bool digest_set_has(const struct digest_set *s, const struct digest *d);
/* Empties, and gives back the memory. */
void digest_set_release(struct digest_set *s);

#endif
