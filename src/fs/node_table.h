/* SPDX-License-Identifier: MIT */
/*
 * Node ids for the kernel without a table of nodes: an id is the number of a leaf page
 * and a row in it. Leaves are interned (digest <-> number), with one count of lookups per
 * leaf, so a million names that the kernel knows cost some bytes per leaf, not per name.
 * Own lock, held for a few instructions; any thread.
 */
#ifndef CAIRN_FS_NODE_TABLE_H
#define CAIRN_FS_NODE_TABLE_H

#include <stdint.h>

#include "util/digest.h"

/* No node has the id 0 or 1 (FUSE_ROOT_ID): numbers begin at 1. */
#define NODE_ROW_BITS 12
#define NODE_ROWS (1u << NODE_ROW_BITS)

struct node_table;
struct node_table *node_table_new(void); /* NULL without memory */
void node_table_free(struct node_table *t);

/* A leaf held by at least one lookup. */
struct leaf_number {
	uint32_t number;
	uint32_t generation; /* differs whenever a number is used again for another leaf */
};
/* Adds `lookups` (at least 1) to the leaf. ERR_NO_MEMORY. */
int node_table_hold(struct node_table *t, const struct digest *leaf, uint64_t lookups,
	struct leaf_number *out);
uint64_t node_table_node(uint32_t number, uint32_t row);
/* ERR_ABSENT when no lookup holds the node's leaf. */
int node_table_find(
	struct node_table *t, uint64_t node, struct digest *leaf, uint32_t *row);
/* Takes lookups off the node's leaf; unknown nodes and excess are ignored. */
void node_table_forget(struct node_table *t, uint64_t node, uint64_t lookups);
/* Leaves held now. */
uint64_t node_table_count(struct node_table *t);

#endif
