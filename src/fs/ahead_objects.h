/* SPDX-License-Identifier: MIT */
/*
 * The objects behind the one that is read, for who goes through small files in the order of
 * the tree: how each begins is asked for, where it is not in the cache. Runs on the FUSE
 * thread after its reply, like all that is ahead.
 */
#ifndef CAIRN_FS_AHEAD_OBJECTS_H
#define CAIRN_FS_AHEAD_OBJECTS_H

#include <stdbool.h>

struct entry;
struct request;

/* Is it what a request of its own would be needed for: a bundle, or how a larger file
 * begins? */
bool ahead_objects_worth(const struct entry *e);
/* After a read from the head of a file whose object is r->file.object. A bundle has some
 * hundred files, so mostly its object is known already and nothing is done. */
void ahead_objects_fetch(struct request *r);

#endif
