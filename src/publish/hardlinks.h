/* SPDX-License-Identifier: MIT */
/*
 * The hard-link groups of the tree that is published: how many names each inode has
 * within it (the counting walk), which name leads (the first in key order), and what the
 * others take from it. Only inodes with several names are held. One thread at a time.
 */
#ifndef CAIRN_PUBLISH_HARDLINKS_H
#define CAIRN_PUBLISH_HARDLINKS_H

#include <stdint.h>
#include <sys/types.h>

struct hardlinks;
struct link_group {
	dev_t dev;
	ino_t ino;
	uint32_t names; /* within the tree */
	void *leader;	/* the table's user's; NULL: no name was met yet */
};

struct hardlinks *hardlinks_new(void); /* NULL without memory */
/* `release` (may be NULL) is called with each leader that is not NULL. */
void hardlinks_free(struct hardlinks *h, void (*release)(void *leader));
/* One more name of that inode. ERR_NO_MEMORY. */
int hardlinks_count(struct hardlinks *h, dev_t dev, ino_t ino);
/* Borrowed until the next count; NULL when it has a single name or was never counted. */
struct link_group *hardlinks_find(struct hardlinks *h, dev_t dev, ino_t ino);

#endif
