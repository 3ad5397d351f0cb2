/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "publish/hardlinks.h"
#include "util/error.h"

#define SLOTS_MIN 64

/* Open addressing with linear probing; `names` 0 is a free slot. */
struct hardlinks {
	struct link_group *slots;
	size_t slot_count; /* a power of two */
	size_t used;
};

struct hardlinks *hardlinks_new(void)
{
	struct hardlinks *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->slot_count = SLOTS_MIN;
	h->slots = calloc(h->slot_count, sizeof *h->slots);
	if (!h->slots) {
		free(h);
		return NULL;
	}
	return h;
}

void hardlinks_free(struct hardlinks *h, void (*release)(void *leader))
{
	if (!h)
		return;
	for (size_t i = 0; release && i < h->slot_count; i++)
		if (h->slots[i].leader)
			release(h->slots[i].leader);
	free(h->slots);
	free(h);
}

/* Fibonacci hashing (Knuth, TAOCP 6.4): inode numbers come in runs. */
static size_t hardlinks_slot(const struct hardlinks *h, dev_t dev, ino_t ino)
{
	uint64_t x = ((uint64_t)ino ^ ((uint64_t)dev << 40)) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(x >> 32) & (h->slot_count - 1);
}

/* The inode's slot, or the free one where it belongs. */
static struct link_group *hardlinks_probe(const struct hardlinks *h, dev_t dev, ino_t ino)
{
	size_t i = hardlinks_slot(h, dev, ino);

	while (h->slots[i].names && (h->slots[i].dev != dev || h->slots[i].ino != ino))
		i = (i + 1) & (h->slot_count - 1);
	return &h->slots[i];
}

static int hardlinks_grow(struct hardlinks *h)
{
	struct hardlinks larger = {.slot_count = h->slot_count * 2, .used = h->used};

	larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
	if (!larger.slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < h->slot_count; i++)
		if (h->slots[i].names)
			*hardlinks_probe(
				&larger, h->slots[i].dev, h->slots[i].ino) = h->slots[i];
	free(h->slots);
	*h = larger;
	return 0;
}

int hardlinks_count(struct hardlinks *h, dev_t dev, ino_t ino)
{
	struct link_group *group = hardlinks_probe(h, dev, ino);
	int rc;

	if (!group->names) {
		rc = h->used * 4 >= h->slot_count * 3 ? hardlinks_grow(h) : 0;
		if (rc)
			return rc;
		group = hardlinks_probe(h, dev, ino);
		*group = (struct link_group){.dev = dev, .ino = ino};
		h->used++;
	}
	if (group->names < UINT32_MAX)
		group->names++;
	return 0;
}

struct link_group *hardlinks_find(struct hardlinks *h, dev_t dev, ino_t ino)
{
	struct link_group *group = hardlinks_probe(h, dev, ino);

	return group->names > 1 ? group : NULL;
}
