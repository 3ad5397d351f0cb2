/* SPDX-License-Identifier: MIT */
#include <config.h>

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
	pthread_mutex_t table_mtx; /* all below */
	struct leaf *leaves;	   /* by number; 0 is not used */
	uint32_t used;		   /* numbers ever given out, and 1 */
	uint32_t capacity;
	uint32_t free; /* first free number, 0: none */
	uint32_t count;
	uint32_t *buckets; /* open addressing, linear: numbers, 0 is empty */
	uint32_t mask;
};

struct node_table *node_table_new(void)
{
	struct node_table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->leaves = calloc(FIRST_CAPACITY, sizeof *t->leaves);
	t->buckets = calloc(2 * FIRST_CAPACITY, sizeof *t->buckets);
	if (!t->leaves || !t->buckets) {
		free(t->leaves);
		free(t->buckets);
		free(t);
		return NULL;
	}
	t->used = 1;
	t->capacity = FIRST_CAPACITY;
	t->mask = 2 * FIRST_CAPACITY - 1;
	pthread_mutex_init(&t->table_mtx, NULL);
	return t;
}

void node_table_free(struct node_table *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->table_mtx);
	free(t->leaves);
	free(t->buckets);
	free(t);
}

static uint32_t leaf_home(const struct node_table *t, const struct digest *digest)
{
	return (uint32_t)digest_prefix(digest) & t->mask;
}

/* The bucket of that leaf, or the empty one where it would go. */
static uint32_t leaf_bucket(const struct node_table *t, const struct digest *digest)
{
	uint32_t b = leaf_home(t, digest);

	while (t->buckets[b] && !digest_equal(&t->leaves[t->buckets[b]].digest, digest))
		b = (b + 1) & t->mask;
	return b;
}

/* Twice the numbers, and buckets for at most half of them in use. */
static int node_table_grow(struct node_table *t)
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
		if (leaves[n].lookups)
			buckets[leaf_bucket(t, &leaves[n].digest)] = n;
	return 0;
}

static int leaf_add(struct node_table *t, const struct digest *digest, uint32_t *number)
{
	struct leaf *leaf;
	uint32_t n = t->free;

	if (n) {
		t->free = t->leaves[n].next;
	} else {
		if (t->used == t->capacity && node_table_grow(t))
			return ERR_NO_MEMORY;
		n = t->used++;
		t->leaves[n].generation = 0;
	}
	leaf = &t->leaves[n];
	leaf->digest = *digest;
	leaf->generation++;
	leaf->lookups = 0;
	t->buckets[leaf_bucket(t, digest)] = n;
	t->count++;
	*number = n;
	return 0;
}

/* Closes the gap that a removal leaves: whoever may not be found any more moves up
 * (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
static void close_gap(struct node_table *t, uint32_t gap)
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

static void leaf_drop(struct node_table *t, uint32_t number)
{
	struct leaf *leaf = &t->leaves[number];
	uint32_t gap = leaf_bucket(t, &leaf->digest);

	t->buckets[gap] = 0;
	close_gap(t, gap);
	leaf->next = t->free;
	t->free = number;
	t->count--;
}

int node_table_hold(struct node_table *t, const struct digest *leaf, uint64_t lookups,
	struct leaf_number *out)
{
	uint32_t number;
	int rc = 0;

	pthread_mutex_lock(&t->table_mtx);
	number = t->buckets[leaf_bucket(t, leaf)];
	if (!number)
		rc = leaf_add(t, leaf, &number);
	if (!rc) {
		t->leaves[number].lookups += lookups;
		out->number = number;
		out->generation = t->leaves[number].generation;
	}
	pthread_mutex_unlock(&t->table_mtx);
	return rc;
}

uint64_t node_table_node(uint32_t number, uint32_t row)
{
	return ((uint64_t)number << NODE_ROW_BITS) | row;
}

/* 0 for what cannot be a node's. */
static uint32_t number_of(const struct node_table *t, uint64_t node)
{
	uint64_t number = node >> NODE_ROW_BITS;

	return number < t->used && t->leaves[number].lookups ? (uint32_t)number : 0;
}

int node_table_find(struct node_table *t, uint64_t node, struct digest *leaf, uint32_t *row)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = number_of(t, node);
	if (number) {
		*leaf = t->leaves[number].digest;
		*row = (uint32_t)(node & (NODE_ROWS - 1));
	}
	pthread_mutex_unlock(&t->table_mtx);
	return number ? 0 : ERR_ABSENT;
}

void node_table_forget(struct node_table *t, uint64_t node, uint64_t lookups)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = number_of(t, node);
	if (number) {
		struct leaf *leaf = &t->leaves[number];

		leaf->lookups -= lookups < leaf->lookups ? lookups : leaf->lookups;
		if (leaf->lookups == 0)
			leaf_drop(t, number);
	}
	pthread_mutex_unlock(&t->table_mtx);
}

uint64_t node_table_count(struct node_table *t)
{
	uint64_t count;

	pthread_mutex_lock(&t->table_mtx);
	count = t->count;
	pthread_mutex_unlock(&t->table_mtx);
	return count;
}
