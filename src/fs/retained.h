/* SPDX-License-Identifier: MIT */
/*
 * Revisions that a mount shows beside its own, below `.cairn` (dot_cairn.h): each as it is
 * for ever, with node ids and inode numbers of its own, since the kernel takes one number
 * for one file, and one directory to be in one place. Kept until the end of the mount: a
 * root, and what the kernel knows of its leaves. Own lock; any thread.
 */
#ifndef CAIRN_FS_RETAINED_H
#define CAIRN_FS_RETAINED_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/node_table.h"
#include "fs/view.h"

/* The upper part of a node id: 0 is what the mount shows, the last one dot_cairn.h's. */
#define NODE_SPACE_SHIFT 44
#define NODE_SPACE_LAST UINT64_C(0xffff)
#define NODE_IN_SPACE ((UINT64_C(1) << NODE_SPACE_SHIFT) - 1)

struct retained {
	uint64_t space; /* of its nodes */
	struct view view;
	struct node_table *node_table;
	uint64_t inode_mix; /* its inode numbers are those of the entries, XOR this */
};

struct retained_table {
	pthread_mutex_t retained_mtx; /* for changes */
	unsigned count;
	_Atomic(struct retained *) items[NODE_SPACE_LAST]; /* by space; 0 is not used */
};

struct retained_table *retained_table_new(void); /* NULL without memory */
void retained_table_free(struct retained_table *t);
/* Borrowed until the end. Adds it when it is not there. ERR_LIMIT, ERR_NO_MEMORY. */
int retained_add(
	struct retained_table *t, const struct manifest *m, const struct retained **out);
/* NULL: it is not there. */
const struct retained *retained_find(struct retained_table *t, uint64_t revision);
const struct retained *retained_of_space(struct retained_table *t, uint64_t space);
/* The node id of its root directory, which no lookup has to hold. */
uint64_t retained_root(const struct retained *r);
/* The inode number of that directory. */
uint64_t retained_root_inode(uint64_t revision);

#endif
