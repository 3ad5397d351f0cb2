/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/meta/verified_pages.h"
#include "util/clock.h"

/* A slot holds a part of the digest that its set's index has not, and when it was looked
 * at: a second, of which 16 bits are kept. One that is 18 hours old may be taken for a
 * young one, and is looked at a little later. Room for the pages of 16 million entries. */
#define SETS 8192
#define WAYS 8
#define SECOND_BITS 16
#define SECOND_MASK UINT64_C(0xffff)

typedef atomic_uint_least64_t slot;

struct verified_pages {
	atomic_uint term;      /* seconds */
	slot sets[SETS][WAYS]; /* 0: free */
};

struct verified_pages *verified_pages_new(void)
{
	struct verified_pages *v = calloc(1, sizeof *v);

	if (v)
		atomic_init(&v->term, VERIFIED_PAGES_TERM);
	return v;
}

void verified_pages_free(struct verified_pages *v)
{
	free(v);
}

void verified_pages_set_term(struct verified_pages *v, unsigned seconds)
{
	atomic_store(&v->term, seconds);
}

static uint64_t digest_word(const struct digest *d, unsigned index)
{
	uint64_t v;

	memcpy(&v, d->bytes + index * sizeof v, sizeof v);
	return v;
}

static uint64_t tag_of(const struct digest *digest)
{
	return digest_word(digest, 1) << SECOND_BITS;
}

static uint64_t this_second(void)
{
	return (uint64_t)(clock_coarse() / NS_PER_SECOND) & SECOND_MASK;
}

/* The slot with that tag, else the one that it is to have: a free one, or one at random. */
static slot *verified_slot(struct verified_pages *v, const struct digest *digest)
{
	slot *set = v->sets[digest_word(digest, 0) % SETS];
	uint64_t tag = tag_of(digest);

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t held = atomic_load_explicit(&set[i], memory_order_relaxed);

		if ((held & ~SECOND_MASK) == tag || held == 0)
			return &set[i];
	}
	return &set[digest_word(digest, 2) % WAYS];
}

bool verified_pages_knows(struct verified_pages *v, const struct digest *digest)
{
	uint64_t tag = tag_of(digest);
	uint64_t held = atomic_load_explicit(
		verified_slot(v, digest), memory_order_relaxed);

	return tag && (held & ~SECOND_MASK) == tag;
}

bool verified_pages_has(struct verified_pages *v, const struct digest *digest)
{
	uint64_t tag = tag_of(digest);
	uint64_t held = atomic_load_explicit(
		verified_slot(v, digest), memory_order_relaxed);
	unsigned term = atomic_load_explicit(&v->term, memory_order_relaxed);

	return tag && (held & ~SECOND_MASK) == tag &&
	       ((this_second() - held) & SECOND_MASK) < term;
}

void verified_pages_add(struct verified_pages *v, const struct digest *digest)
{
	uint64_t tag = tag_of(digest);

	if (tag)
		atomic_store_explicit(verified_slot(v, digest), tag | this_second(),
			memory_order_relaxed);
}

void verified_pages_drop(struct verified_pages *v, const struct digest *digest)
{
	slot *s = verified_slot(v, digest);
	uint64_t held = atomic_load_explicit(s, memory_order_relaxed);

	if ((held & ~SECOND_MASK) == tag_of(digest))
		atomic_compare_exchange_strong(s, &held, 0);
}
