/* SPDX-License-Identifier: MIT */
/*
 * What the kernel asks about, by its node id: the root of the mount, or a row of a leaf
 * page (node_table.h). Takes pages from whoever has them. Any thread.
 */
#ifndef CAIRN_FS_NODE_H
#define CAIRN_FS_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/node_table.h"
#include "tree/tree.h"

struct retained;
struct node {
	uint64_t id;
	const struct retained *retained; /* that it is of; NULL: of what the mount shows */
	bool is_root;
	uint32_t row;	    /* unless it is the root, as is the next */
	struct digest leaf; /* page */
};

/* ERR_ABSENT: no lookup holds a node of that id. */
int node_locate(struct node_table *table, uint64_t id, struct node *out);
/* The node's entry in the revision of that root page. Borrows from the leaf. ERR_CORRUPT,
 * and what the source of pages gives. */
int node_entry(const struct node *n, const struct page_source *pages,
	const struct digest *root, struct entry *e);

#endif
