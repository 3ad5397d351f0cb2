/* SPDX-License-Identifier: MIT */
/*
 * The hard-link groups of the tree that is published: how many names each inode has
 * within it (the counting walk), which name leads (the first in key order that could be
 * read), and what the others take from it: all but the name. Memory is bounded, however
 * many there are: table and leaders are spools. One thread at a time.
 */
#ifndef CAIRN_PUBLISH_HARDLINKS_H
#define CAIRN_PUBLISH_HARDLINKS_H

#include "publish/item.h"

struct hardlinks;
/* A value. */
struct link_group {
	uint64_t dev, ino;
	uint64_t leader; /* where it is; 0: none was read yet */
	uint32_t names;	 /* within the tree */
	uint32_t met;	 /* the walk has handed out its first name */
};

/* `directory` (borrowed) is for temporary files; `memory` in bytes, for all. NULL without
 * memory. */
struct hardlinks *hardlinks_new(const char *directory, uint64_t memory);
void hardlinks_free(struct hardlinks *h);
/* One more name of that inode; *names says how many it has by now. What a spool says. */
int hardlinks_count(struct hardlinks *h, dev_t dev, ino_t ino, uint32_t *names);
/* ERR_ABSENT when it has a single name or was never counted. */
int hardlinks_find(struct hardlinks *h, dev_t dev, ino_t ino, struct link_group *out);
/* Its first name was handed out. */
int hardlinks_meet(struct hardlinks *h, const struct link_group *group);

/* The item, which has all that its row needs, leads its group from now on. */
int hardlinks_lead(struct hardlinks *h, const struct item *item);
/* Gives the item what its group's leader has, but for the name. ERR_CHANGED when there is
 * no leader, or the inode's state was another one (it may be another file by now). */
int hardlinks_follow(struct hardlinks *h, struct item *item);

#endif
