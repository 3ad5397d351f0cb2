/* SPDX-License-Identifier: MIT */
#include "fs/node_table.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/error.h"

#define FIRST_CAPACITY 64

struct leaf {
	struct digest digest;
	uint64_t lookups; /* 0: free */
	uint32_t generation;
	uint32_t next; /* free: the next free number, 0 ends */
};

struct node_table {
	pthread_mutex_t lock; /* all below */
	struct leaf *leaves;  /* by number; 0 is not used */
	uint32_t used;	      /* numbers ever given out, and 1 */
	uint32_t capacity;
	uint32_t free; /* first free number, 0: none */
	uint32_t count;
	uint32_t *buckets; /* open addressing, linear: numbers, 0 is empty */
	uint32_t mask;
};

struct node_table *node_table_new(void)
{
	struct node_table *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	i->leaves = calloc(FIRST_CAPACITY, sizeof *i->leaves);
	i->buckets = calloc(2 * FIRST_CAPACITY, sizeof *i->buckets);
	if (!i->leaves || !i->buckets) {
		free(i->leaves);
		free(i->buckets);
		free(i);
		return NULL;
	}
	i->used = 1;
	i->capacity = FIRST_CAPACITY;
	i->mask = 2 * FIRST_CAPACITY - 1;
	pthread_mutex_init(&i->lock, NULL);
	return i;
}

void node_table_free(struct node_table *i)
{
	if (!i)
		return;
	pthread_mutex_destroy(&i->lock);
	free(i->leaves);
	free(i->buckets);
	free(i);
}

static uint32_t home(const struct node_table *i, const struct digest *digest)
{
	return (uint32_t)digest_prefix(digest) & i->mask;
}

/* The bucket of that leaf, or the empty one where it would go. */
static uint32_t bucket_of(const struct node_table *i, const struct digest *digest)
{
	uint32_t b = home(i, digest);

	while (i->buckets[b] && !digest_equal(&i->leaves[i->buckets[b]].digest, digest))
		b = (b + 1) & i->mask;
	return b;
}

/* Twice the numbers, and buckets for at most half of them in use. */
static int grow(struct node_table *i)
{
	uint32_t capacity = i->capacity * 2;
	struct leaf *leaves;
	uint32_t *buckets;

	if (capacity > UINT32_MAX / 4)
		return ERR_NO_MEMORY;
	buckets = calloc((size_t)capacity * 2, sizeof *buckets);
	if (!buckets)
		return ERR_NO_MEMORY;
	leaves = realloc(i->leaves, capacity * sizeof *leaves);
	if (!leaves) {
		free(buckets);
		return ERR_NO_MEMORY;
	}
	free(i->buckets);
	i->leaves = leaves;
	i->buckets = buckets;
	i->capacity = capacity;
	i->mask = capacity * 2 - 1;
	for (uint32_t n = 1; n < i->used; n++)
		if (leaves[n].lookups)
			buckets[bucket_of(i, &leaves[n].digest)] = n;
	return 0;
}

static int add(struct node_table *i, const struct digest *digest, uint32_t *number)
{
	struct leaf *leaf;
	uint32_t n = i->free;

	if (n) {
		i->free = i->leaves[n].next;
	} else {
		if (i->used == i->capacity && grow(i))
			return ERR_NO_MEMORY;
		n = i->used++;
		i->leaves[n].generation = 0;
	}
	leaf = &i->leaves[n];
	leaf->digest = *digest;
	leaf->generation++;
	leaf->lookups = 0;
	i->buckets[bucket_of(i, digest)] = n;
	i->count++;
	*number = n;
	return 0;
}

/* Closes the gap that a removal leaves: whoever may not be found any more moves up
 * (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
static void close_gap(struct node_table *i, uint32_t gap)
{
	for (uint32_t b = (gap + 1) & i->mask; i->buckets[b]; b = (b + 1) & i->mask) {
		uint32_t h = home(i, &i->leaves[i->buckets[b]].digest);

		if (((b - h) & i->mask) < ((b - gap) & i->mask))
			continue;
		i->buckets[gap] = i->buckets[b];
		i->buckets[b] = 0;
		gap = b;
	}
}

static void drop(struct node_table *i, uint32_t number)
{
	struct leaf *leaf = &i->leaves[number];
	uint32_t gap = bucket_of(i, &leaf->digest);

	i->buckets[gap] = 0;
	close_gap(i, gap);
	leaf->next = i->free;
	i->free = number;
	i->count--;
}

int node_table_hold(struct node_table *i, const struct digest *leaf, uint64_t lookups,
	struct leaf_number *out)
{
	uint32_t number;
	int err = 0;

	pthread_mutex_lock(&i->lock);
	number = i->buckets[bucket_of(i, leaf)];
	if (!number)
		err = add(i, leaf, &number);
	if (!err) {
		i->leaves[number].lookups += lookups;
		out->number = number;
		out->generation = i->leaves[number].generation;
	}
	pthread_mutex_unlock(&i->lock);
	return err;
}

uint64_t node_table_node(uint32_t number, uint32_t row)
{
	return ((uint64_t)number << NODE_ROW_BITS) | row;
}

/* 0 for what cannot be a node's. */
static uint32_t number_of(const struct node_table *i, uint64_t node)
{
	uint64_t number = node >> NODE_ROW_BITS;

	return number < i->used && i->leaves[number].lookups ? (uint32_t)number : 0;
}

int node_table_find(struct node_table *i, uint64_t node, struct digest *leaf, uint32_t *row)
{
	uint32_t number;

	pthread_mutex_lock(&i->lock);
	number = number_of(i, node);
	if (number) {
		*leaf = i->leaves[number].digest;
		*row = (uint32_t)(node & (NODE_ROWS - 1));
	}
	pthread_mutex_unlock(&i->lock);
	return number ? 0 : ERR_ABSENT;
}

void node_table_forget(struct node_table *i, uint64_t node, uint64_t lookups)
{
	uint32_t number;

	pthread_mutex_lock(&i->lock);
	number = number_of(i, node);
	if (number) {
		struct leaf *leaf = &i->leaves[number];

		leaf->lookups -= lookups < leaf->lookups ? lookups : leaf->lookups;
		if (leaf->lookups == 0)
			drop(i, number);
	}
	pthread_mutex_unlock(&i->lock);
}

uint64_t node_table_count(struct node_table *i)
{
	uint64_t count;

	pthread_mutex_lock(&i->lock);
	count = i->count;
	pthread_mutex_unlock(&i->lock);
	return count;
}
