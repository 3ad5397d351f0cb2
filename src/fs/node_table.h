/* SPDX-License-Identifier: MIT */
/*
 * Node ids for the kernel without a table of nodes: an id is the number of a leaf page
 * and a row in it. Leaves are interned (digest <-> number), with one count of lookups per
 * leaf, so a million names that the kernel knows cost some bytes per leaf, not per name.
 *
 * An id stays for as long as the kernel holds it. Where a new revision has the same entry
 * in another leaf, the id's place moves there (doc/decisions/following.md): for the ids of
 * leaves that changed, and only for those, a place is kept for each id.
 * Own lock, held for a few instructions; any thread.
 */
#ifndef CAIRN_FS_NODE_TABLE_H
#define CAIRN_FS_NODE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/digest.h"

/* No node has the id 0 or 1 (FUSE_ROOT_ID): numbers begin at 1. */
#define NODE_ROW_BITS 12
#define NODE_ROWS (1u << NODE_ROW_BITS)

struct node_table;
struct node_table *node_table_new(void); /* NULL without memory */
void node_table_free(struct node_table *t);

struct node_number {
	uint64_t node;
	uint32_t generation; /* differs whenever an id is used again for another entry */
};
/* One lookup more of the entry at that place, seen in the revision of that turn. ERR_BUSY:
 * it is another's turn by now, look again. ERR_NO_MEMORY. */
int node_table_hold(struct node_table *t, uint64_t turn, const struct digest *leaf,
	uint32_t row, struct node_number *out);
/* The node's place now. ERR_ABSENT when no lookup holds it. */
int node_table_find(
	struct node_table *t, uint64_t node, struct digest *leaf, uint32_t *row);
/* The id of the entry at that place. ERR_ABSENT when no lookup holds it. */
int node_table_at(
	struct node_table *t, const struct digest *leaf, uint32_t row, uint64_t *node);
/* Takes lookups off the node's leaf; unknown nodes and excess are ignored. */
void node_table_forget(struct node_table *t, uint64_t node, uint64_t lookups);

/*
 * From one revision to the next, by one thread: node_table_watch(); node_table_move() for
 * what stays, in each leaf that changes and is held; the same for each leaf that
 * node_table_fresh() gives; then node_table_turn(), and in any case node_table_settle().
 * Until its turn, who looks at the revision of before finds the same ids at both places.
 */

/* Is any entry of that leaf held? */
bool node_table_holds(struct node_table *t, const struct digest *leaf);
/* From now on, leaves that begin to be held are noted. */
void node_table_watch(struct node_table *t);
/* Takes one of them. False: there is none. */
bool node_table_fresh(struct node_table *t, struct digest *leaf);
/* The entry of `row` of `leaf` is at *to now, with the id that it has; nothing when it is
 * not held. ERR_NO_MEMORY: it stayed. */
struct leaf_row {
	struct digest leaf;
	uint32_t row;
};
int node_table_move(
	struct node_table *t, const struct leaf_row *from, const struct leaf_row *to);
/* It is the next revision's turn. False: a leaf was noted meanwhile. */
bool node_table_turn(struct node_table *t);
/* Nobody looks at the revision of before any more; or, if the next one has not had its
 * turn, it will not have one, and what moved is back where it was. */
void node_table_settle(struct node_table *t);

/* Leaves held now. */
uint64_t node_table_count(struct node_table *t);

#endif
