/* SPDX-License-Identifier: MIT */
/*
 * The leaves that the kernel has ids of: a number for each digest, and, where an update has
 * moved ids, the places of these by row. For node_table.c, which has the lock.
 */
#ifndef CAIRN_FS_LEAF_TABLE_H
#define CAIRN_FS_LEAF_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/rows.h"
#include "util/digest.h"

/* Free without lookups and guests. */
struct leaf {
	struct digest digest;
	uint64_t lookups; /* of the ids with this number, wherever they are now */
	uint32_t guests;  /* ids of others that are here, and its own that are to settle */
	uint32_t generation;
	uint32_t next;	  /* free: the next free number, 0 ends */
	bool fresh;	  /* noted for node_table_fresh() */
	struct rows away; /* the places of ids of this number that have moved, as ids */
	struct rows here; /* the ids that have moved to this leaf */
};

struct leaf_table {
	struct leaf *leaves; /* by number; 0 is not used */
	uint32_t used;	     /* numbers ever given out, and 1 */
	uint32_t capacity;
	uint32_t free; /* first free number, 0: none */
	uint32_t count;
	uint32_t fresh;	   /* leaves that are */
	uint32_t *buckets; /* open addressing, linear: numbers, 0 is empty */
	uint32_t mask;
};

/* ERR_NO_MEMORY. */
int leaf_table_init(struct leaf_table *t);
void leaf_table_release(struct leaf_table *t);
/* 0: it has none. */
uint32_t leaf_table_number(const struct leaf_table *t, const struct digest *digest);
/* One that has none; the caller makes it used. May move all leaves. ERR_NO_MEMORY. */
int leaf_table_add(struct leaf_table *t, const struct digest *digest, uint32_t *number);
/* Takes back its number, unless it is used. */
void leaf_table_drop_unused(struct leaf_table *t, uint32_t number);
void leaf_table_note(struct leaf_table *t, struct leaf *leaf, bool fresh);

#endif
