/* SPDX-License-Identifier: MIT */
/*
 * Who goes through small files one after another, as tar and compilers do. Their contents
 * lie in bundles in the order of the tree, so when such a reader comes to another object,
 * a bundle or a larger file, the ones behind it are worth fetching. Several at once are
 * told apart. Pure; the caller locks.
 */
#ifndef CAIRN_FS_NEIGHBOURS_H
#define CAIRN_FS_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/digest.h"

#define NEIGHBOURS_STREAMS 4
#define NEIGHBOURS_MOST 8    /* objects ahead */
#define NEIGHBOURS_STEP 1024 /* entries that may lie between two objects' first reads */

/* Zero is a fresh one. */
struct neighbours {
	struct neighbour {
		struct digest object; /* read from last */
		unsigned ahead;	      /* objects that he was given last */
		uint64_t rank;	      /* where in the tree */
		uint64_t age;	      /* 0: empty */
	} streams[NEIGHBOURS_STREAMS];
	uint64_t clock;
};

/* Is this the object that somebody is reading from already? Then there is nothing to do. */
bool neighbours_know(struct neighbours *n, const struct digest *object);
/* Somebody reads the entry at `rank`, from an object that is not known. How many objects
 * behind it should be there: none unless he has come from an entry shortly before, and
 * more the longer he goes on. */
unsigned neighbours_note(struct neighbours *n, const struct digest *object, uint64_t rank);

#endif
