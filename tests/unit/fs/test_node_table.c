/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/node_table.h"
#include "util/error.h"
#include "unit/await.h"
#include "unit/entry_samples.h"

#define MANY 5000
#define THREADS 4

static struct digest leaf_of(uint32_t n)
{
	return digest_of(&n, sizeof n);
}

static void test_node_and_back(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), found;
	struct node_number n;
	uint32_t row;
	uint64_t node;

	(void)state;
	assert_int_equal(node_table_hold(i, 0, &leaf, 0, &n), 0);
	assert_true(n.node > 1);
	assert_int_equal(node_table_hold(i, 0, &leaf, NODE_ROWS - 1, &n), 0);
	node = n.node;
	assert_int_equal(node_table_find(i, node, &found, &row), 0);
	assert_true(digest_equal(&found, &leaf));
	assert_int_equal(row, NODE_ROWS - 1);
	node_table_free(i);
}

static void test_unknown_nodes(void **state)
{
	struct node_table *i = node_table_new();
	const uint64_t nodes[] = {0, 1, NODE_ROWS, UINT64_MAX, (uint64_t)UINT32_MAX << 12,
		(UINT64_C(1) << 44) + NODE_ROWS};
	struct digest leaf;
	uint32_t row = 77;

	(void)state;
	for (size_t k = 0; k < sizeof nodes / sizeof nodes[0]; k++) {
		assert_int_equal(node_table_find(i, nodes[k], &leaf, &row), ERR_ABSENT);
		node_table_forget(i, nodes[k], 1);
	}
	assert_int_equal(row, 77);
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

static void test_same_leaf_same_number(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), other = leaf_of(2);
	struct node_number a, b, c;

	(void)state;
	assert_int_equal(node_table_hold(i, 0, &leaf, 1, &a), 0);
	assert_int_equal(node_table_hold(i, 0, &leaf, 5, &b), 0);
	assert_int_equal(node_table_hold(i, 0, &other, 1, &c), 0);
	assert_int_equal(b.node - a.node, 4);
	assert_int_equal(a.generation, b.generation);
	assert_int_not_equal(a.node, c.node);
	assert_int_equal(node_table_count(i), 2);
	node_table_free(i);
}

/* The lookups of all names of a leaf are one sum. */
static void test_forget_frees_at_zero(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), found;
	struct node_number n;
	uint32_t row;

	(void)state;
	for (int k = 0; k < 3; k++)
		node_table_hold(i, 0, &leaf, 9, &n);
	node_table_forget(i, n.node - 6, 2);
	assert_int_equal(node_table_find(i, n.node, &found, &row), 0);
	node_table_forget(i, n.node, 1);
	assert_int_equal(node_table_find(i, n.node, &found, &row), ERR_ABSENT);
	assert_int_equal(node_table_count(i), 0);
	/* More than there was: nothing else happens. */
	node_table_forget(i, n.node, UINT64_MAX);
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

static void test_reuse_changes_generation(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), other = leaf_of(2), found;
	struct node_number a, b;
	uint32_t row;

	(void)state;
	node_table_hold(i, 0, &leaf, 0, &a);
	node_table_forget(i, a.node, 1);
	node_table_hold(i, 0, &other, 0, &b);
	assert_int_equal(a.node, b.node);
	assert_int_not_equal(a.generation, b.generation);
	assert_int_equal(node_table_find(i, b.node, &found, &row), 0);
	assert_true(digest_equal(&found, &other));
	node_table_free(i);
}

/* Growth, and removals from crowded buckets: whoever is left is still found. */
static void test_many(void **state)
{
	struct node_table *i = node_table_new();
	struct node_number *n = calloc(MANY, sizeof *n);
	struct digest leaf, found;
	struct node_number again;
	uint32_t row;

	(void)state;
	for (uint32_t k = 0; k < MANY; k++) {
		leaf = leaf_of(k);
		assert_int_equal(node_table_hold(i, 0, &leaf, 5, &n[k]), 0);
	}
	assert_int_equal(node_table_count(i), MANY);
	for (uint32_t k = 0; k < MANY; k += 3)
		node_table_forget(i, n[k].node, 1);
	for (uint32_t k = 0; k < MANY; k++) {
		int rc = node_table_find(i, n[k].node, &found, &row);

		leaf = leaf_of(k);
		assert_int_equal(rc, k % 3 ? 0 : ERR_ABSENT);
		if (rc)
			continue;
		assert_true(digest_equal(&found, &leaf));
		assert_int_equal(node_table_hold(i, 0, &leaf, 5, &again), 0);
		assert_int_equal(again.node, n[k].node);
	}
	free(n);
	node_table_free(i);
}

static void *churn(void *arg)
{
	struct node_table *i = arg;
	struct node_number n;
	struct digest leaf, found;
	uint32_t row;
	uintptr_t wrong = 0;

	for (uint32_t k = 0; k < 2000; k++) {
		leaf = leaf_of(k % 97);
		if (node_table_hold(i, 0, &leaf, 1, &n)) {
			wrong++;
			continue;
		}
		if (node_table_find(i, n.node, &found, &row) ||
			!digest_equal(&found, &leaf))
			wrong++;
		node_table_forget(i, n.node, 1);
	}
	return (void *)wrong;
}

static void test_threads(void **state)
{
	struct node_table *i = node_table_new();
	pthread_t threads[THREADS];
	void *wrong;

	(void)state;
	for (int k = 0; k < THREADS; k++)
		assert_int_equal(pthread_create(&threads[k], NULL, churn, i), 0);
	for (int k = 0; k < THREADS; k++) {
		pthread_join(threads[k], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

static struct leaf_row place_of(uint32_t leaf, uint32_t row)
{
	return (struct leaf_row){leaf_of(leaf), row};
}

static uint64_t hold_place(struct node_table *t, uint64_t turn, uint32_t leaf, uint32_t row)
{
	struct digest digest = leaf_of(leaf);
	struct node_number n;

	assert_int_equal(node_table_hold(t, turn, &digest, row, &n), 0);
	return n.node;
}

static void assert_at(struct node_table *t, uint64_t node, uint32_t leaf, uint32_t row)
{
	struct digest found, want = leaf_of(leaf);
	uint32_t r;

	assert_int_equal(node_table_find(t, node, &found, &r), 0);
	assert_true(digest_equal(&found, &want));
	assert_int_equal(r, row);
}

static void move_place(
	struct node_table *t, uint32_t from, uint32_t row, uint32_t to, uint32_t to_row)
{
	struct leaf_row a = place_of(from, row), b = place_of(to, to_row);

	assert_int_equal(node_table_move(t, &a, &b), 0);
}

/* Whoever comes by the new place gets the id that the kernel has. */
static void test_an_id_moves(void **state)
{
	struct node_table *t = node_table_new();
	struct digest to = leaf_of(2);
	uint64_t node = hold_place(t, 0, 1, 7), at;

	(void)state;
	move_place(t, 1, 7, 2, 300);
	move_place(t, 9, 7, 2, 3); /* who is not held does not */
	assert_at(t, node, 2, 300);
	assert_int_equal(node_table_at(t, &to, 300, &at), 0);
	assert_int_equal(at, node);
	assert_int_equal(node_table_at(t, &to, 3, &at), ERR_ABSENT);
	assert_int_equal(hold_place(t, 0, 2, 300), node);
	assert_int_not_equal(hold_place(t, 0, 2, 3), node);
	assert_int_equal(node_table_count(t), 2);
	node_table_forget(t, node, 2);
	assert_int_equal(node_table_count(t), 1);
	assert_int_not_equal(hold_place(t, 0, 2, 300), node);
	node_table_free(t);
}

/* On and on, and back to where it began. */
static void test_an_id_moves_on(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t node = hold_place(t, 0, 1, 7);

	(void)state;
	for (uint32_t k = 2; k < 50; k++) {
		move_place(t, k - 1, k - 1 == 1 ? 7 : k - 1, k, k);
		assert_at(t, node, k, k);
		assert_int_equal(node_table_count(t), 2);
	}
	move_place(t, 49, 49, 1, 7);
	assert_at(t, node, 1, 7);
	assert_int_equal(node_table_count(t), 1);
	assert_int_equal(hold_place(t, 0, 1, 7), node);
	node_table_forget(t, node, 2);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* A name that was there, went, and is there again: the last id is the place's. */
static void test_two_ids_for_one_place(void **state)
{
	struct node_table *t = node_table_new();
	struct digest place = leaf_of(2);
	uint64_t old = hold_place(t, 0, 1, 1), new = hold_place(t, 0, 3, 1), at;

	(void)state;
	move_place(t, 1, 1, 2, 5);
	move_place(t, 3, 1, 2, 5);
	assert_at(t, old, 2, 5);
	assert_at(t, new, 2, 5);
	assert_int_equal(node_table_at(t, &place, 5, &at), 0);
	assert_int_equal(at, new);
	node_table_forget(t, old, 1);
	assert_at(t, new, 2, 5);
	assert_int_equal(hold_place(t, 0, 2, 5), new);
	node_table_forget(t, new, 2);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* An entry that has come back to its first place without its id. */
static void test_an_id_comes_home(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t node = hold_place(t, 0, 1, 1);

	(void)state;
	move_place(t, 1, 1, 2, 2);
	assert_int_equal(hold_place(t, 0, 1, 1), node);
	assert_at(t, node, 1, 1);
	assert_int_equal(node_table_count(t), 1);
	node_table_forget(t, node, 2);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

static void test_turns(void **state)
{
	struct node_table *t = node_table_new();
	struct digest leaf = leaf_of(1), found;
	struct node_number n;

	(void)state;
	hold_place(t, 0, 9, 0);
	assert_false(node_table_fresh(t, &found));
	node_table_watch(t);
	assert_false(node_table_fresh(t, &found));
	hold_place(t, 0, 9, 1);
	assert_false(node_table_fresh(t, &found));
	hold_place(t, 0, 1, 0);
	assert_false(node_table_turn(t));
	assert_true(node_table_fresh(t, &found));
	assert_true(digest_equal(&found, &leaf));
	assert_false(node_table_fresh(t, &found));
	/* One that is gone again needs no look. */
	node_table_forget(t, hold_place(t, 0, 2, 0), 1);
	assert_true(node_table_turn(t));
	assert_int_equal(node_table_hold(t, 0, &leaf, 0, &n), ERR_BUSY);
	assert_int_equal(node_table_hold(t, 1, &leaf, 0, &n), 0);
	node_table_free(t);
}

/* A leaf that only has guests is held anew by an id of its own. */
static void test_a_leaf_of_guests(void **state)
{
	struct node_table *t = node_table_new();
	struct digest found;
	uint64_t node = hold_place(t, 0, 1, 1);

	(void)state;
	move_place(t, 1, 1, 2, 5);
	node_table_watch(t);
	hold_place(t, 0, 2, 5);
	assert_true(node_table_turn(t));
	node_table_watch(t);
	hold_place(t, 1, 2, 6);
	assert_true(node_table_fresh(t, &found));
	node_table_forget(t, node, 2);
	assert_int_equal(node_table_count(t), 1);
	node_table_free(t);
}

static void assert_id_at(struct node_table *t, uint64_t node, uint32_t leaf, uint32_t row)
{
	struct digest digest = leaf_of(leaf);
	uint64_t at;

	assert_int_equal(node_table_at(t, &digest, row, &at), 0);
	assert_int_equal(at, node);
	assert_at(t, node, leaf, row);
}

/* Between the move and the turn, somebody looks at the revision of before. */
static void test_an_id_is_at_both_places(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t node = hold_place(t, 0, 1, 7);

	(void)state;
	for (uint32_t k = 1; k < 20; k++) {
		node_table_watch(t);
		move_place(t, k, 7, k + 1, 7);
		assert_int_equal(hold_place(t, k - 1, k, 7), node);
		move_place(t, k, 7, k + 1, 7); /* a leaf may be gone through twice */
		assert_id_at(t, node, k + 1, 7);
		assert_true(node_table_turn(t));
		node_table_settle(t);
		assert_id_at(t, node, k + 1, 7);
		assert_int_equal(hold_place(t, k, k + 1, 7), node);
		assert_int_equal(node_table_count(t), 2);
	}
	node_table_forget(t, node, 39);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* The same where it comes home: what was published is as it was before. */
static void test_an_id_comes_home_by_a_turn(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t node = hold_place(t, 0, 1, 7);

	(void)state;
	move_place(t, 1, 7, 2, 7);
	node_table_watch(t);
	move_place(t, 2, 7, 1, 7);
	node_table_settle(t);
	assert_id_at(t, node, 2, 7);
	node_table_watch(t);
	move_place(t, 2, 7, 1, 7);
	assert_int_equal(hold_place(t, 0, 2, 7), node);
	assert_id_at(t, node, 1, 7);
	assert_true(node_table_turn(t));
	node_table_settle(t);
	assert_id_at(t, node, 1, 7);
	assert_int_equal(node_table_count(t), 1);
	assert_int_equal(hold_place(t, 1, 1, 7), node);
	node_table_forget(t, node, 3);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* Then it is forgotten, and looked up in the revision of before. */
static void test_an_id_ends_between(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t node = hold_place(t, 0, 1, 7), other = hold_place(t, 0, 2, 1), again;
	struct digest found, leaf = leaf_of(2);

	(void)state;
	move_place(t, 1, 7, 2, 7);
	node_table_watch(t);
	move_place(t, 2, 7, 3, 7);
	node_table_forget(t, node, 1);
	again = hold_place(t, 0, 2, 7);
	assert_int_not_equal(again, node);
	assert_true(node_table_fresh(t, &found));
	assert_true(digest_equal(&found, &leaf));
	move_place(t, 2, 7, 3, 7);
	assert_true(node_table_turn(t));
	node_table_settle(t);
	assert_id_at(t, again, 3, 7);
	node_table_forget(t, other, 2);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* A revision that does not get its turn, and then another one. */
static void test_ids_go_back(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t guest = hold_place(t, 0, 1, 1), home = hold_place(t, 0, 2, 2);

	(void)state;
	move_place(t, 1, 1, 2, 1);
	node_table_watch(t);
	move_place(t, 2, 1, 3, 1);
	move_place(t, 2, 2, 3, 2);
	node_table_settle(t);
	assert_id_at(t, guest, 2, 1);
	assert_id_at(t, home, 2, 2);
	assert_int_equal(node_table_count(t), 2);
	node_table_watch(t);
	move_place(t, 2, 1, 4, 1);
	move_place(t, 2, 2, 4, 2);
	assert_true(node_table_turn(t));
	node_table_settle(t);
	assert_id_at(t, guest, 4, 1);
	assert_id_at(t, home, 4, 2);
	node_table_forget(t, guest, 1);
	node_table_forget(t, home, 1);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/* An id that an older update left elsewhere comes home when its entry is looked up, though
 * others of its leaf have moved in an update that then fails. */
static void test_an_id_comes_home_beside_a_move(void **state)
{
	struct node_table *t = node_table_new();
	uint64_t stays = hold_place(t, 0, 1, 0), gone = hold_place(t, 0, 1, 1);

	(void)state;
	move_place(t, 1, 0, 2, 0);
	move_place(t, 1, 1, 2, 1);
	move_place(t, 2, 0, 1, 0); /* the other was not there in between */
	assert_at(t, gone, 2, 1);
	node_table_watch(t);
	move_place(t, 1, 0, 3, 0);
	assert_int_equal(hold_place(t, 0, 1, 1), gone);
	assert_at(t, gone, 1, 1);
	assert_int_equal(hold_place(t, 0, 1, 0), stays); /* it has not left for this one */
	assert_at(t, stays, 3, 0);
	node_table_settle(t);
	assert_id_at(t, stays, 1, 0);
	assert_id_at(t, gone, 1, 1);
	node_table_forget(t, gone, 4);
	assert_int_equal(node_table_count(t), 0);
	node_table_free(t);
}

/*
 * A model: entries in leaves, which are known by what is in them. From one revision to the
 * next entries come, go and change, some updates fail, and there are lookups all the time.
 * The id of each entry that was looked up is found at its place in the revision that is
 * shown, or in the one that is to be. Ids are forgotten, and at the end nothing is left.
 */
#define ENTRIES 12
#define IN_A_LEAF 4
#define IDS_MAX 4096

struct model {
	struct node_table *t;
	uint32_t now[ENTRIES], next[ENTRIES]; /* versions; 0: it is not there */
	uint64_t nodes[ENTRIES]; /* 0: it was not looked up since it came or changed */
	uint64_t turn, seed;
	struct {
		uint64_t node, lookups;
	} ids[IDS_MAX]; /* that the kernel has */
	uint32_t id_count;
};

static void model_hold(struct model *m, uint64_t node)
{
	uint32_t i = 0;

	while (i < m->id_count && m->ids[i].node != node)
		i++;
	assert_true(i < IDS_MAX);
	if (i == m->id_count) {
		m->ids[i].node = node;
		m->ids[i].lookups = 0;
		m->id_count++;
	}
	m->ids[i].lookups++;
}

static void model_forget(struct model *m, uint32_t i)
{
	node_table_forget(m->t, m->ids[i].node, m->ids[i].lookups);
	for (uint32_t e = 0; e < ENTRIES; e++)
		if (m->nodes[e] == m->ids[i].node)
			m->nodes[e] = 0;
	m->ids[i] = m->ids[--m->id_count];
}

static struct leaf_row model_place(const uint32_t *revision, uint32_t entry)
{
	struct leaf_row place = {.row = 0};
	uint32_t content[2 * IN_A_LEAF] = {0}, first = entry - entry % IN_A_LEAF;

	for (uint32_t e = first, n = 0; e < first + IN_A_LEAF; e++) {
		if (e == entry)
			place.row = n / 2;
		if (!revision[e])
			continue;
		content[n++] = e;
		content[n++] = revision[e];
	}
	place.leaf = digest_of(content, sizeof content);
	return place;
}

static void model_look(struct model *m)
{
	uint32_t e = (uint32_t)(sample_random(&m->seed) % ENTRIES);
	struct leaf_row place = model_place(m->now, e);
	struct node_number n;

	if (!m->now[e])
		return;
	assert_int_equal(node_table_hold(m->t, m->turn, &place.leaf, place.row, &n), 0);
	if (m->nodes[e])
		assert_int_equal(n.node, m->nodes[e]);
	m->nodes[e] = n.node;
	model_hold(m, n.node);
	if (sample_random(&m->seed) % 16 == 0)
		model_forget(m, (uint32_t)(sample_random(&m->seed) % m->id_count));
}

/* Whether the entry, or the one whose leaf was noted, is in both revisions as it is. */
static void model_move(struct model *m, const struct digest *leaf)
{
	for (uint32_t e = 0; e < ENTRIES; e++) {
		struct leaf_row from = model_place(m->now, e), to = model_place(m->next, e);

		if (m->now[e] && m->now[e] == m->next[e] &&
			(!leaf || digest_equal(leaf, &from.leaf)) &&
			node_table_holds(m->t, &from.leaf))
			assert_int_equal(node_table_move(m->t, &from, &to), 0);
		if (sample_random(&m->seed) % 4 == 0)
			model_look(m);
	}
}

static void model_check(struct model *m, bool updating)
{
	for (uint32_t e = 0; e < ENTRIES; e++) {
		struct leaf_row now = model_place(m->now, e),
				next = model_place(m->next, e);
		struct digest leaf;
		uint32_t row;

		if (!m->nodes[e])
			continue;
		assert_int_equal(node_table_find(m->t, m->nodes[e], &leaf, &row), 0);
		if (row == now.row && digest_equal(&leaf, &now.leaf))
			continue;
		assert_true(updating && m->now[e] == m->next[e]);
		assert_int_equal(row, next.row);
		assert_true(digest_equal(&leaf, &next.leaf));
	}
}

static void model_edit(struct model *m)
{
	memcpy(m->next, m->now, sizeof m->next);
	for (uint32_t e = 0; e < ENTRIES; e++) {
		uint64_t chance = sample_random(&m->seed) % 10;

		if (chance == 0)
			m->next[e] = 0;
		else if (chance == 1) /* what was there before may be there again */
			m->next[e] = (uint32_t)(1 + sample_random(&m->seed) % 2);
	}
}

static void model_update(struct model *m)
{
	bool fails = sample_random(&m->seed) % 3 == 0;
	struct digest leaf;

	model_edit(m);
	node_table_watch(m->t);
	model_move(m, NULL);
	model_check(m, true);
	while (!fails && !node_table_turn(m->t))
		while (node_table_fresh(m->t, &leaf))
			model_move(m, &leaf);
	for (uint32_t e = 0; !fails && e < ENTRIES; e++) {
		if (m->next[e] != m->now[e])
			m->nodes[e] = 0;
		m->now[e] = m->next[e];
	}
	m->turn += !fails;
	node_table_settle(m->t);
	model_check(m, false);
}

static void test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct model m = {.t = node_table_new(), .seed = seed};

		for (uint32_t e = 0; e < ENTRIES; e++)
			m.now[e] = 1;
		for (int i = 0; i < 200; i++) {
			for (int k = 0; k < 4; k++)
				model_look(&m);
			model_update(&m);
		}
		while (m.id_count)
			model_forget(&m, 0);
		assert_int_equal(node_table_count(m.t), 0);
		node_table_free(m.t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_and_back),
		cmocka_unit_test(test_unknown_nodes),
		cmocka_unit_test(test_same_leaf_same_number),
		cmocka_unit_test(test_forget_frees_at_zero),
		cmocka_unit_test(test_reuse_changes_generation),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_an_id_moves),
		cmocka_unit_test(test_an_id_moves_on),
		cmocka_unit_test(test_two_ids_for_one_place),
		cmocka_unit_test(test_an_id_comes_home),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_a_leaf_of_guests),
		cmocka_unit_test(test_an_id_is_at_both_places),
		cmocka_unit_test(test_an_id_comes_home_by_a_turn),
		cmocka_unit_test(test_an_id_comes_home_beside_a_move),
		cmocka_unit_test(test_an_id_ends_between),
		cmocka_unit_test(test_ids_go_back),
		cmocka_unit_test(test_model),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
