/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "publish/digest_set.h"

#define SLOTS_FIRST 16

struct digest_key {
	uint8_t bytes[16]; /* all zero: the slot is free */
};

/* That of all zeros is nobody's: it shares the place of its neighbour. */
static struct digest_key digest_key_of(const struct digest *d)
{
	static const struct digest_key none;
	struct digest_key key;

	memcpy(key.bytes, d->bytes, sizeof key.bytes);
	if (memcmp(&key, &none, sizeof key) == 0)
		key.bytes[sizeof key.bytes - 1] = 1;
	return key;
}

/* Its slot, or the free one where it would be. The end of the key is taken, as callers may
 * part the digests among several sets by their beginning. */
static struct digest_key *digest_slot_find(
	const struct digest_set *s, const struct digest_key *key)
{
	static const struct digest_key none;
	uint64_t hash;
	size_t i;

	memcpy(&hash, key->bytes + 8, sizeof hash);
	for (i = (size_t)hash & (s->slot_count - 1);; i = (i + 1) & (s->slot_count - 1))
		if (memcmp(&s->slots[i], key, sizeof *key) == 0 ||
			memcmp(&s->slots[i], &none, sizeof none) == 0)
			return &s->slots[i];
}

/* Old slots and new ones together stay within the memory. */
static int digest_set_grow(struct digest_set *s)
{
	static const struct digest_key none;
	struct digest_set larger = {
		.slot_count = s->slot_count ? 2 * s->slot_count : SLOTS_FIRST};

	if ((s->slot_count + larger.slot_count) * sizeof *s->slots > s->memory)
		return ERR_LIMIT;
	larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
	if (!larger.slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->slot_count; i++)
		if (memcmp(&s->slots[i], &none, sizeof none) != 0)
			*digest_slot_find(&larger, &s->slots[i]) = s->slots[i];
	free(s->slots);
	s->slots = larger.slots;
	s->slot_count = larger.slot_count;
	return 0;
}

int digest_set_add(struct digest_set *s, const struct digest *d)
{
	struct digest_key key = digest_key_of(d), *slot;
	int rc;

	if (digest_set_has(s, d))
		return ERR_EXISTS;
	rc = s->count + 1 > s->slot_count / 4 * 3 ? digest_set_grow(s) : 0;
	if (rc)
		return rc;
	slot = digest_slot_find(s, &key);
	*slot = key;
	s->count++;
	return 0;
}

bool digest_set_has(const struct digest_set *s, const struct digest *d)
{
	static const struct digest_key none;
	struct digest_key key = digest_key_of(d);

	return s->slot_count > 0 &&
	       memcmp(digest_slot_find(s, &key), &none, sizeof none) != 0;
}

void digest_set_release(struct digest_set *s)
{
	free(s->slots);
	*s = (struct digest_set){.memory = s->memory};
}
