/* SPDX-License-Identifier: MIT */
/*
 * Which files are open in a mount with passthrough, and how. The kernel wants one way for
 * an inode as long as it is open or mapped: with one backing file for all, whose id it has
 * from us, or without (id 0); mixed, it answers EIO. So what the first open of an inode was
 * given holds until the last release. Own lock, never held while the kernel is asked for
 * anything; any thread.
 */
#ifndef CAIRN_FS_BACKINGS_H
#define CAIRN_FS_BACKINGS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct backings {
	pthread_mutex_t backings_mtx; /* all below */
	void *inodes;		      /* of tsearch(3) */
};

void backings_init(struct backings *b);
/* Forgets all that is open: the connection is gone, and with it its ids. */
void backings_release(struct backings *b);

/* Is the inode open? Then once more, in the way it is: *id. */
bool backings_join(struct backings *b, uint64_t node, int *id);
/* Opens an inode with `id`, or in the way it is open meanwhile: *used; where that is
 * another id, `id` is not needed. ERR_NO_MEMORY. */
int backings_open(struct backings *b, uint64_t node, int id, int *used);
/* One less. At the last one: the id that is not needed any more, else 0. */
int backings_close(struct backings *b, uint64_t node);

#endif
