/* SPDX-License-Identifier: MIT */
/*
 * Node ids for the kernel without a table of nodes: an id is the number of a leaf page
 * and a row in it. Leaves are interned (digest <-> number), with one count of lookups per
 * leaf, so a million names that the kernel knows cost some bytes per leaf, not per name.
 * Own lock, held for a few instructions; any thread.
 */
#ifndef CAIRN_FS_IDENTITY_H
#define CAIRN_FS_IDENTITY_H

#include <stdint.h>

#include "util/digest.h"

/* No node has the id 0 or 1 (FUSE_ROOT_ID): numbers begin at 1. */
#define NODE_ROW_BITS 12
#define NODE_ROWS (1u << NODE_ROW_BITS)

struct identity;
struct identity *identity_new(void); /* NULL without memory */
void identity_free(struct identity *i);

/* A leaf held by at least one lookup. */
struct leaf_number {
	uint32_t number;
	uint32_t generation; /* differs whenever a number is used again for another leaf */
};
/* Adds `lookups` (at least 1) to the leaf. ERR_NO_MEMORY. */
int identity_hold(struct identity *i, const struct digest *leaf, uint64_t lookups,
	struct leaf_number *out);
uint64_t identity_node(uint32_t number, uint32_t row);
/* ERR_ABSENT when no lookup holds the node's leaf. */
int identity_find(struct identity *i, uint64_t node, struct digest *leaf, uint32_t *row);
/* Takes lookups off the node's leaf; unknown nodes and excess are ignored. */
void identity_forget(struct identity *i, uint64_t node, uint64_t lookups);
/* Leaves held now. */
uint64_t identity_count(struct identity *i);

#endif
