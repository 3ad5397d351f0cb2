/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/node_table.h"

#include <pthread.h>
#include <stdlib.h>

#include "fs/leaf_table.h"
#include "util/array.h"

#define SETTLED_AT_ONCE 256 /* moves, under the lock */

/* Beside the place of an id that is away: it was at home in the revision that is shown, and
 * leaves that with the one that is to have its turn. Far above what numbers come to. */
#define LEAVES_HOME (UINT64_C(1) << 63)

/* An id that has moved since node_table_watch(), from `place`: the revision that is shown
 * has the entry there, so a guest is still found there, too. */
struct moved {
	uint64_t node, place;
};

struct node_table {
	pthread_mutex_t table_mtx; /* all below */
	struct leaf_table table;
	bool watching;
	uint64_t turn;
	struct moved *moved; /* each is a guest of its node's leaf */
	size_t moved_count, moved_capacity;
};

struct node_table *node_table_new(void)
{
	struct node_table *t = calloc(1, sizeof *t);

	if (t && leaf_table_init(&t->table)) {
		free(t);
		t = NULL;
	}
	if (t)
		pthread_mutex_init(&t->table_mtx, NULL);
	return t;
}

void node_table_free(struct node_table *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->table_mtx);
	leaf_table_release(&t->table);
	free(t->moved);
	free(t);
}

static uint64_t held_node_of(uint32_t number, uint32_t row)
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

	return number < t->table.used && t->table.leaves[number].lookups ? (uint32_t)number
									 : 0;
}

/* An id goes from the place that it has moved to, which may be another's by now. */
static void leave_place(struct node_table *t, uint64_t node, uint64_t place)
{
	uint32_t number = (uint32_t)(place >> NODE_ROW_BITS);
	struct rows *here = &t->table.leaves[number].here;

	if (rows_get(here, row_of(place)) == node)
		rows_set(here, row_of(place), 0);
	t->table.leaves[number].guests--;
	leaf_table_drop_unused(&t->table, number);
}

/* `place`, with the mark; 0: it is at home. */
static void away_set(struct node_table *t, uint64_t node, uint64_t place)
{
	rows_set(&t->table.leaves[node >> NODE_ROW_BITS].away, row_of(node), place);
}

/* With the mark. */
static uint64_t away_marked(const struct node_table *t, uint64_t node)
{
	return rows_get(&t->table.leaves[node >> NODE_ROW_BITS].away, row_of(node));
}

/* Where an id is now, when it is not at home. 0: it is. */
static uint64_t away_of(const struct node_table *t, uint64_t node)
{
	return away_marked(t, node) & ~LEAVES_HOME;
}

/* No lookup holds the ids of that number any more. */
static void end_ids(struct node_table *t, uint32_t number)
{
	struct rows away = t->table.leaves[number].away;

	t->table.leaves[number].away = (struct rows){0};
	for (uint32_t i = 0; i < away.count; i++)
		leave_place(t, held_node_of(number, away.items[i].row),
			away.items[i].node & ~LEAVES_HOME);
	rows_release(&away);
}

/* An entry that has the id of this very place again. */
static void come_home(struct node_table *t, uint64_t node)
{
	uint64_t place = away_of(t, node);

	if (!place)
		return;
	away_set(t, node, 0);
	leave_place(t, node, place);
}

static void add_lookup(struct node_table *t, struct leaf *leaf)
{
	if (leaf->lookups == 0)
		leaf_table_note(&t->table, leaf, t->watching);
	leaf->lookups++;
}

/* The id of another place that is here. 0: there is none, or no lookup holds it any more.
 */
static uint64_t guest_at(const struct node_table *t, uint32_t number, uint32_t row)
{
	uint64_t node = number ? rows_get(&t->table.leaves[number].here, row) : 0;

	return node && away_of(t, node) ? node : 0;
}

/* The id of this very place begins to be the entry's. One that leaves with the next
 * revision has not left for who sees the one that is shown. */
static void hold_home(struct node_table *t, uint32_t number, uint32_t row)
{
	struct leaf *leaf = &t->table.leaves[number];
	uint64_t node = held_node_of(number, row);

	if (rows_get(&leaf->here, row)) { /* whose id has ended: it has to move, too */
		rows_set(&leaf->here, row, 0);
		leaf_table_note(&t->table, leaf, t->watching);
	}
	if (!t->watching || !(away_marked(t, node) & LEAVES_HOME))
		come_home(t, node);
}

static int hold_locked(struct node_table *t, const struct digest *leaf, uint32_t row,
	struct node_number *out)
{
	uint32_t number = leaf_table_number(&t->table, leaf);
	uint64_t guest = guest_at(t, number, row);
	int rc = number ? 0 : leaf_table_add(&t->table, leaf, &number);

	if (rc)
		return rc;
	out->node = guest ? guest : held_node_of(number, row);
	number = (uint32_t)(out->node >> NODE_ROW_BITS);
	add_lookup(t, &t->table.leaves[number]);
	if (!guest)
		hold_home(t, number, row);
	out->generation = t->table.leaves[number].generation;
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
		place = away_of(t, node);
		place = place ? place : node;
		*leaf = t->table.leaves[place >> NODE_ROW_BITS].digest;
		*row = row_of(place);
	}
	pthread_mutex_unlock(&t->table_mtx);
	return number ? 0 : ERR_ABSENT;
}

/* 0: none. */
static uint64_t node_at(const struct node_table *t, uint32_t number, uint32_t row)
{
	uint64_t guest = guest_at(t, number, row), node = held_node_of(number, row);

	if (guest || !number || !t->table.leaves[number].lookups)
		return guest;
	return away_of(t, node) ? 0 : node;
}

int node_table_at(
	struct node_table *t, const struct digest *leaf, uint32_t row, uint64_t *node)
{
	pthread_mutex_lock(&t->table_mtx);
	*node = node_at(t, leaf_table_number(&t->table, leaf), row);
	pthread_mutex_unlock(&t->table_mtx);
	return *node ? 0 : ERR_ABSENT;
}

void node_table_forget(struct node_table *t, uint64_t node, uint64_t lookups)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = number_of(t, node);
	if (number) {
		struct leaf *leaf = &t->table.leaves[number];

		leaf->lookups -= lookups < leaf->lookups ? lookups : leaf->lookups;
		if (leaf->lookups == 0) {
			leaf->guests++; /* it stays while its ids end */
			end_ids(t, number);
			leaf->guests--;
			leaf_table_drop_unused(&t->table, number);
		}
	}
	pthread_mutex_unlock(&t->table_mtx);
}

bool node_table_holds(struct node_table *t, const struct digest *leaf)
{
	uint32_t number;

	pthread_mutex_lock(&t->table_mtx);
	number = leaf_table_number(&t->table, leaf);
	pthread_mutex_unlock(&t->table_mtx);
	return number != 0;
}

void node_table_watch(struct node_table *t)
{
	pthread_mutex_lock(&t->table_mtx);
	for (uint32_t n = 1; n < t->table.used; n++)
		t->table.leaves[n].fresh = false;
	t->table.fresh = 0;
	t->watching = true;
	pthread_mutex_unlock(&t->table_mtx);
}

bool node_table_fresh(struct node_table *t, struct digest *leaf)
{
	uint32_t n = 1;
	bool found;

	pthread_mutex_lock(&t->table_mtx);
	found = t->table.fresh > 0;
	while (found && !t->table.leaves[n].fresh)
		n++;
	if (found) {
		*leaf = t->table.leaves[n].digest;
		leaf_table_note(&t->table, &t->table.leaves[n], false);
	}
	pthread_mutex_unlock(&t->table_mtx);
	return found;
}

/* Room for the move of `node` to `row` of the leaf, which is there then. */
static int prepare_move(
	struct node_table *t, uint64_t node, const struct leaf_row *to, uint32_t *number)
{
	int rc = rows_reserve(&t->table.leaves[node >> NODE_ROW_BITS].away);

	*number = leaf_table_number(&t->table, &to->leaf);
	if (!rc)
		rc = array_grow(
			&t->moved, &t->moved_capacity, t->moved_count, sizeof *t->moved);
	if (!rc && !*number)
		rc = leaf_table_add(&t->table, &to->leaf, number);
	if (rc)
		return rc;
	rc = rows_reserve(&t->table.leaves[*number].here);
	if (rc)
		leaf_table_drop_unused(&t->table, *number);
	return rc;
}

/* Its number stays until the move is settled. */
static void note_moved(struct node_table *t, uint64_t node, uint64_t place)
{
	t->moved[t->moved_count++] = (struct moved){node, place};
	t->table.leaves[node >> NODE_ROW_BITS].guests++;
	if (place == node)
		away_set(t, node, away_marked(t, node) | LEAVES_HOME);
}

/* Until it is settled, one that comes home is a guest there: it is found at `from`, too. */
static void move_node(struct node_table *t, uint64_t node, uint64_t from, uint64_t place)
{
	struct leaf *leaf = &t->table.leaves[place >> NODE_ROW_BITS];
	uint64_t mark = away_marked(t, node) & LEAVES_HOME, before = away_of(t, node);
	bool home = place == node && !t->watching;

	if ((before ? before : node) == place) {
		/* It has moved already; or an older revision left it there, and it is
		 * the place's again. */
		if (before)
			rows_set(&leaf->here, row_of(place), node);
		if (t->watching && from == node && before && !mark)
			note_moved(t, node, from);
		return;
	}
	away_set(t, node, home ? 0 : place | mark);
	rows_set(&leaf->here, row_of(place), home ? 0 : node);
	leaf->guests += !home;
	if (t->watching)
		note_moved(t, node, from);
	if (before && (before != from || !t->watching))
		leave_place(t, node, before);
}

/* The id of the entry at `from`, which may have moved on long ago, when something else was
 * here: it would come home at the next lookup. */
static uint64_t node_to_move(
	const struct node_table *t, const struct leaf_row *from, uint64_t *place)
{
	uint32_t number = leaf_table_number(&t->table, &from->leaf);
	uint64_t guest = guest_at(t, number, from->row);

	*place = held_node_of(number, from->row);
	return guest || !number || !t->table.leaves[number].lookups ? guest : *place;
}

int node_table_move(
	struct node_table *t, const struct leaf_row *from, const struct leaf_row *to)
{
	uint64_t node, place;
	uint32_t number;
	int rc = 0;

	if (digest_equal(&from->leaf, &to->leaf) && from->row == to->row)
		return 0;
	pthread_mutex_lock(&t->table_mtx);
	node = node_to_move(t, from, &place);
	if (node)
		rc = prepare_move(t, node, to, &number);
	if (node && !rc)
		move_node(t, node, place, held_node_of(number, to->row));
	pthread_mutex_unlock(&t->table_mtx);
	return rc;
}

/* The revision was not to have its turn. */
static void move_back(struct node_table *t, const struct moved *m)
{
	uint64_t now = away_of(t, m->node);

	if (m->place == m->node) {
		come_home(t, m->node);
	} else if (now && now != m->place) {
		away_set(t, m->node, m->place);
		leave_place(t, m->node, now);
	} else {
		leave_place(t, m->node, m->place);
	}
}

static void settle_one(struct node_table *t, const struct moved *m)
{
	uint32_t number = (uint32_t)(m->node >> NODE_ROW_BITS);

	if (t->watching)
		move_back(t, m);
	else if (m->place != m->node)
		leave_place(t, m->node, m->place);
	if (away_of(t, m->node))
		away_set(t, m->node, away_of(t, m->node));
	if (away_of(t, m->node) == m->node)
		come_home(t, m->node);
	t->table.leaves[number].guests--;
	leaf_table_drop_unused(&t->table, number);
}

void node_table_settle(struct node_table *t)
{
	bool more = true;

	while (more) {
		pthread_mutex_lock(&t->table_mtx);
		for (unsigned i = 0; i < SETTLED_AT_ONCE && t->moved_count; i++)
			settle_one(t, &t->moved[--t->moved_count]);
		more = t->moved_count > 0;
		t->watching &= more;
		pthread_mutex_unlock(&t->table_mtx);
	}
	free(t->moved); /* of this thread */
	t->moved = NULL;
	t->moved_capacity = 0;
}

bool node_table_turn(struct node_table *t)
{
	bool turned;

	pthread_mutex_lock(&t->table_mtx);
	turned = t->table.fresh == 0;
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
	count = t->table.count;
	pthread_mutex_unlock(&t->table_mtx);
	return count;
}
