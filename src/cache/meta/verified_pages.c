/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/meta/verified_pages.h"

/* A slot holds a part of the digest that its set's index has not. Room for the pages of
 * 16 million entries. */
#define SETS 8192
#define WAYS 8

typedef atomic_uint_least64_t slot;

struct verified_pages {
	slot sets[SETS][WAYS]; /* 0: free */
};

struct verified_pages *verified_pages_new(void)
{
	return calloc(1, sizeof(struct verified_pages));
}

void verified_pages_free(struct verified_pages *v)
{
	free(v);
}

static uint64_t digest_word(const struct digest *d, unsigned index)
{
	uint64_t v;

	memcpy(&v, d->bytes + index * sizeof v, sizeof v);
	return v;
}

/* The slot with that tag, else the one that it is to have: a free one, or one at random. */
static slot *verified_slot(struct verified_pages *v, const struct digest *digest)
{
	slot *set = v->sets[digest_word(digest, 0) % SETS];
	uint64_t tag = digest_word(digest, 1);

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t held = atomic_load_explicit(&set[i], memory_order_relaxed);

		if (held == tag || held == 0)
			return &set[i];
	}
	return &set[digest_word(digest, 2) % WAYS];
}

bool verified_pages_has(struct verified_pages *v, const struct digest *digest)
{
	uint64_t tag = digest_word(digest, 1);

	return tag &&
	       atomic_load_explicit(verified_slot(v, digest), memory_order_relaxed) == tag;
}

void verified_pages_add(struct verified_pages *v, const struct digest *digest)
{
	atomic_store_explicit(
		verified_slot(v, digest), digest_word(digest, 1), memory_order_relaxed);
}

void verified_pages_drop(struct verified_pages *v, const struct digest *digest)
{
	slot *s = verified_slot(v, digest);
	uint64_t tag = digest_word(digest, 1);

	atomic_compare_exchange_strong(s, &tag, 0);
}
