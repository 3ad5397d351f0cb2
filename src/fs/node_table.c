/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/node_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define FIRST_CAPACITY 64
#define ROWS_FIRST 64

/* By row; 0: none. */
struct rows {
	uint64_t *nodes;
	uint32_t count;
};

/* Free without lookups and guests. */
struct leaf {
	struct digest digest;
	uint64_t lookups; /* of the ids with this number, wherever they are now */
	uint32_t guests;  /* ids of others that are here */
	uint32_t generation;
	uint32_t next;	  /* free: the next free number, 0 ends */
	bool fresh;	  /* noted for node_table_fresh() */
	struct rows away; /* the places of ids of this number that have moved, as ids */
	struct rows here; /* the ids that have moved to this leaf */
};

struct node_table {
	pthread_mutex_t table_mtx; /* all below */
	struct leaf *leaves;	   /* by number; 0 is not used */
	uint32_t used;		   /* numbers ever given out, and 1 */
	uint32_t capacity;
	uint32_t free; /* first free number, 0: none */
	uint32_t count;
	uint32_t fresh; /* leaves that are */
	bool watching;
	uint64_t turn;
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
	for (uint32_t n = 1; n < t->used; n++) {
		free(t->leaves[n].away.nodes);
		free(t->leaves[n].here.nodes);
	}
	free(t->leaves);
	free(t->buckets);
	free(t);
}

static bool is_used(const struct leaf *leaf)
{
	return leaf->lookups || leaf->guests;
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
		if (is_used(&leaves[n]))
			buckets[leaf_bucket(t, &leaves[n].digest)] = n;
	return 0;
}

/* The caller makes it used. */
static int leaf_add(struct node_table *t, const struct digest *digest, uint32_t *number)
{
	uint32_t n = t->free;

	if (n) {
		t->free = t->leaves[n].next;
	} else {
		if (t->used == t->capacity && node_table_grow(t))
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

static uint32_t leaf_number(const struct node_table *t, const struct digest *digest)
{
	return t->buckets[leaf_bucket(t, digest)];
}

static void leaf_note(struct node_table *t, struct leaf *leaf, bool fresh)
{
	t->fresh += fresh;
	t->fresh -= leaf->fresh;
	leaf->fresh = fresh;
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

static void rows_release(struct rows *r)
{
	free(r->nodes);
	*r = (struct rows){0};
}

static uint64_t rows_get(const struct rows *r, uint32_t row)
{
	return row < r->count ? r->nodes[row] : 0;
}

/* Room for `row`, in steps, for most of a leaf comes. */
static int rows_reserve(struct rows *r, uint32_t row)
{
	uint32_t count = r->count ? r->count : ROWS_FIRST;
	uint64_t *nodes;

	if (row < r->count)
		return 0;
	while (count <= row)
		count *= 2;
	nodes = realloc(r->nodes, count * sizeof *nodes);
	if (!nodes)
		return ERR_NO_MEMORY;
	memset(nodes + r->count, 0, (count - r->count) * sizeof *nodes);
	*r = (struct rows){nodes, count};
	return 0;
}

static uint64_t node_of(uint32_t number, uint32_t row)
{
	return ((uint64_t)number << NODE_ROW_BITS) | row;
}

static uint32_t row_of(uint64_t node)
{
	return (uint32_t)(node & (NODE_ROWS - 1));
}

/* 0 for what cannot be a node's. */
static uint32_t number_of(const struct node_table *t, uint64_t node)
{
	uint64_t number = node >> NODE_ROW_BITS;

	return number < t->used && t->leaves[number].lookups ? (uint32_t)number : 0;
}

static void leaf_drop_unused(struct node_table *t, uint32_t number)
{
	struct leaf *leaf = &t->leaves[number];
	uint32_t gap;

	if (is_used(leaf))
		return;
	gap = leaf_bucket(t, &leaf->digest);
	t->buckets[gap] = 0;
	close_gap(t, gap);
	leaf_note(t, leaf, false);
	rows_release(&leaf->away);
	rows_release(&leaf->here);
	leaf->next = t->free;
	t->free = number;
	t->count--;
}

/* An id goes from the place that it has moved to, which may be another's by now. */
static void leave_place(struct node_table *t, uint64_t node, uint64_t place)
{
	uint32_t number = (uint32_t)(place >> NODE_ROW_BITS);
	uint64_t *here = &t->leaves[number].here.nodes[row_of(place)];

	if (*here == node)
		*here = 0;
	t->leaves[number].guests--;
	leaf_drop_unused(t, number);
}

/* No lookup holds the ids of that number any more. */
static void end_ids(struct node_table *t, uint32_t number)
{
	struct rows away = t->leaves[number].away;

	t->leaves[number].away = (struct rows){0};
	for (uint32_t row = 0; row < away.count; row++)
		if (away.nodes[row])
			leave_place(t, node_of(number, row), away.nodes[row]);
	free(away.nodes);
}

/* An entry that has the id of this very place again. */
static void come_home(struct node_table *t, uint64_t node)
{
	struct rows *away = &t->leaves[node >> NODE_ROW_BITS].away;
	uint64_t place = rows_get(away, row_of(node));

	if (!place)
		return;
	away->nodes[row_of(node)] = 0;
	leave_place(t, node, place);
}

static void add_lookup(struct node_table *t, struct leaf *leaf)
{
	if (leaf->lookups == 0)
		leaf_note(t, leaf, t->watching);
	leaf->lookups++;
}

static int hold_locked(struct node_table *t, const struct digest *leaf, uint32_t row,
	struct node_number *out)
{
	uint32_t number = leaf_number(t, leaf);
	uint64_t guest = number ? rows_get(&t->leaves[number].here, row) : 0;
	int rc = number ? 0 : leaf_add(t, leaf, &number);

	if (rc)
		return rc;
	out->node = guest ? guest : node_of(number, row);
	number = (uint32_t)(out->node >> NODE_ROW_BITS);
	add_lookup(t, &t->leaves[number]);
	if (!guest)
		come_home(t, out->node);
	out->generation = t->leaves[number].generation;
	return 0;
}

int node_table_hold(struct node_table *t, uint64_t turn, const struct digest *leaf,
	uint32_t row, struct node_number *out)
{
	int rc;

	pthread_mutex_lock(&t->table_mtx);
	rc = turn == t->turn ? hold_locked(t, leaf, row, out) : ERR_BUSY;
	pthread_mutex_unlock(&t->table_mtx);
	return rc;
}

int node_table_find(struct node_table *t, uint64_t node, struct digest *leaf, uint32_t *row)
{
	uint32_t number;
	uint64_t place;

	pthread_mutex_lock(&t->table_mtx);
	number = number_of(t, node);
	if (number) {
		place = rows_get(&t->leaves[number].away, row_of(node));
		place = place ? place : node;
		*leaf = t->leaves[place >> NODE_ROW_BITS].digest;
		*row = row_of(place);
	}
	pthread_mutex_unlock(&t->table_mtx);
	return number ? 0 : ERR_ABSENT;
}

/* 0: none. */
static uint64_t node_at(const struct node_table *t, uint32_t number, uint32_t row)
{
	uint64_t moved = number ? rows_get(&t->leaves[number].here, row) : 0;

	if (moved || !number || !t->leaves[number].lookups)
		return moved;
	return rows_get(&t->leaves[number].away, row) ? 0 : node_of(number, row);
}

int node_table_at(
	struct node_table *t, const struct digest *leaf, uint32_t row, uint64_t *node)
{
	pthread_mutex_lock(&t->table_mtx);
	*node = node_at(t, leaf_number(t, leaf), row);
	pthread_mutex_unlock(&t->table_mtx);
	return *node ? 0 : ERR_ABSENT;
}

void node_table_forget(struct node_table *t, uint64_t node, uint64_t lookups)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = number_of(t, node);
	if (number) {
		struct leaf *leaf = &t->leaves[number];

		leaf->lookups -= lookups < leaf->lookups ? lookups : leaf->lookups;
		if (leaf->lookups == 0) {
			leaf->guests++; /* it stays while its ids end */
			end_ids(t, number);
			leaf->guests--;
			leaf_drop_unused(t, number);
		}
	}
	pthread_mutex_unlock(&t->table_mtx);
}

bool node_table_holds(struct node_table *t, const struct digest *leaf)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = leaf_number(t, leaf);
	pthread_mutex_unlock(&t->table_mtx);
	return number != 0;
}

void node_table_watch(struct node_table *t)
{
	pthread_mutex_lock(&t->table_mtx);
	for (uint32_t n = 1; n < t->used; n++)
		t->leaves[n].fresh = false;
	t->fresh = 0;
	t->watching = true;
	pthread_mutex_unlock(&t->table_mtx);
}

bool node_table_fresh(struct node_table *t, struct digest *leaf)
{
	uint32_t n = 1;
	bool found;

	pthread_mutex_lock(&t->table_mtx);
	found = t->fresh > 0;
	while (found && !t->leaves[n].fresh)
		n++;
	if (found) {
		*leaf = t->leaves[n].digest;
		leaf_note(t, &t->leaves[n], false);
	}
	pthread_mutex_unlock(&t->table_mtx);
	return found;
}

/* Room for the move of `node` to `row` of the leaf, which is there then. */
static int prepare_move(
	struct node_table *t, uint64_t node, const struct leaf_row *to, uint32_t *number)
{
	int rc = rows_reserve(&t->leaves[node >> NODE_ROW_BITS].away, row_of(node));

	*number = leaf_number(t, &to->leaf);
	if (!rc && !*number)
		rc = leaf_add(t, &to->leaf, number);
	if (rc)
		return rc;
	rc = rows_reserve(&t->leaves[*number].here, to->row);
	if (rc)
		leaf_drop_unused(t, *number);
	return rc;
}

static void move_node(struct node_table *t, uint64_t node, uint64_t place)
{
	struct leaf *leaf = &t->leaves[place >> NODE_ROW_BITS];
	uint64_t *away = &t->leaves[node >> NODE_ROW_BITS].away.nodes[row_of(node)];
	uint64_t before = *away;
	bool home = place == node;

	*away = home ? 0 : place;
	leaf->here.nodes[row_of(place)] = *away ? node : 0;
	leaf->guests += !home;
	if (before)
		leave_place(t, node, before);
}

int node_table_move(
	struct node_table *t, const struct leaf_row *from, const struct leaf_row *to)
{
	uint64_t node;
	uint32_t number;
	int rc = 0;

	if (digest_equal(&from->leaf, &to->leaf) && from->row == to->row)
		return 0;
	pthread_mutex_lock(&t->table_mtx);
	node = node_at(t, leaf_number(t, &from->leaf), from->row);
	if (node)
		rc = prepare_move(t, node, to, &number);
	if (node && !rc)
		move_node(t, node, node_of(number, to->row));
	pthread_mutex_unlock(&t->table_mtx);
	return rc;
}

bool node_table_turn(struct node_table *t)
{
	bool turned;

	pthread_mutex_lock(&t->table_mtx);
	turned = t->fresh == 0;
	if (turned) {
		t->watching = false;
		t->turn++;
	}
	pthread_mutex_unlock(&t->table_mtx);
	return turned;
}

uint64_t node_table_count(struct node_table *t)
{
	uint64_t count;

	pthread_mutex_lock(&t->table_mtx);
	count = t->count;
	pthread_mutex_unlock(&t->table_mtx);
	return count;
}
