/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/leaf_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define FIRST_CAPACITY 64

int leaf_table_init(struct leaf_table *t)
{
	*t = (struct leaf_table){0};
	t->leaves = calloc(FIRST_CAPACITY, sizeof *t->leaves);
	t->buckets = calloc(2 * FIRST_CAPACITY, sizeof *t->buckets);
	if (!t->leaves || !t->buckets) {
		free(t->leaves);
		free(t->buckets);
		return ERR_NO_MEMORY;
	}
	t->used = 1;
	t->capacity = FIRST_CAPACITY;
	t->mask = 2 * FIRST_CAPACITY - 1;
	return 0;
}

void leaf_table_release(struct leaf_table *t)
{
	for (uint32_t n = 1; n < t->used; n++) {
		rows_release(&t->leaves[n].away);
		rows_release(&t->leaves[n].here);
	}
	free(t->leaves);
	free(t->buckets);
}

static bool is_used(const struct leaf *leaf)
{
	return leaf->lookups || leaf->guests;
}

static uint32_t leaf_home(const struct leaf_table *t, const struct digest *digest)
{
	return (uint32_t)digest_prefix(digest) & t->mask;
}

/* The bucket of that leaf, or the empty one where it would go. */
static uint32_t leaf_bucket(const struct leaf_table *t, const struct digest *digest)
{
	uint32_t b = leaf_home(t, digest);

	while (t->buckets[b] && !digest_equal(&t->leaves[t->buckets[b]].digest, digest))
		b = (b + 1) & t->mask;
	return b;
}

/* Twice the numbers, and buckets for at most half of them in use. */
static int leaf_table_grow(struct leaf_table *t)
{
	uint32_t capacity = t->capacity * 2;
	struct leaf *leaves;
	uint32_t *buckets;

	if (capacity > UINT32_MAX / 4)
		return ERR_NO_MEMORY;
	buckets = calloc((size_t)capacity * 2, sizeof *buckets);
	if (!buckets)
		return ERR_NO_MEMORY;
	leaves = realloc(t->leaves, capacity * sizeof *leaves);
	if (!leaves) {
		free(buckets);
		return ERR_NO_MEMORY;
	}
	free(t->buckets);
	t->leaves = leaves;
	t->buckets = buckets;
	t->capacity = capacity;
	t->mask = capacity * 2 - 1;
	for (uint32_t n = 1; n < t->used; n++)
		if (is_used(&leaves[n]))
			buckets[leaf_bucket(t, &leaves[n].digest)] = n;
	return 0;
}

int leaf_table_add(struct leaf_table *t, const struct digest *digest, uint32_t *number)
{
	uint32_t n = t->free;

	if (n) {
		t->free = t->leaves[n].next;
	} else {
		if (t->used == t->capacity && leaf_table_grow(t))
			return ERR_NO_MEMORY;
		n = t->used++;
		t->leaves[n] = (struct leaf){0};
	}
	t->leaves[n] = (struct leaf){
		.digest = *digest, .generation = t->leaves[n].generation + 1};
	t->buckets[leaf_bucket(t, digest)] = n;
	t->count++;
	*number = n;
	return 0;
}

uint32_t leaf_table_number(const struct leaf_table *t, const struct digest *digest)
{
	return t->buckets[leaf_bucket(t, digest)];
}

/* Closes the gap that a removal leaves: whoever may not be found any more moves up
 * (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
static void close_gap(struct leaf_table *t, uint32_t gap)
{
	for (uint32_t b = (gap + 1) & t->mask; t->buckets[b]; b = (b + 1) & t->mask) {
		uint32_t h = leaf_home(t, &t->leaves[t->buckets[b]].digest);

		if (((b - h) & t->mask) < ((b - gap) & t->mask))
			continue;
		t->buckets[gap] = t->buckets[b];
		t->buckets[b] = 0;
		gap = b;
	}
}

void leaf_table_drop_unused(struct leaf_table *t, uint32_t number)
{
	struct leaf *leaf = &t->leaves[number];
	uint32_t gap;

	if (is_used(leaf))
		return;
	gap = leaf_bucket(t, &leaf->digest);
	t->buckets[gap] = 0;
	close_gap(t, gap);
	leaf_table_note(t, leaf, false);
	rows_release(&leaf->away);
	rows_release(&leaf->here);
	leaf->next = t->free;
	t->free = number;
	t->count--;
}

void leaf_table_note(struct leaf_table *t, struct leaf *leaf, bool fresh)
{
	t->fresh += fresh;
	t->fresh -= leaf->fresh;
	leaf->fresh = fresh;
}
