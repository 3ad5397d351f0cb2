/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/backings.h"

#include <search.h>
#include <stdlib.h>

#include "util/error.h"

struct inode {
	uint64_t node; /* first: what is searched for is a pointer to a node id */
	uint64_t opens;
	int id;
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

void backings_init(struct backings *b)
{
	*b = (struct backings){0};
	pthread_mutex_init(&b->backings_mtx, NULL);
}

void backings_release(struct backings *b)
{
	while (b->inodes) {
		struct inode *i = *(struct inode **)b->inodes;

		tdelete(i, &b->inodes, compare);
		free(i);
	}
	pthread_mutex_destroy(&b->backings_mtx);
}

/* The lock is held, as in all that follow but the public ones. */
static struct inode *backings_find(struct backings *b, uint64_t node)
{
	struct inode **at = tfind(&node, &b->inodes, compare);

	return at ? *at : NULL;
}

static bool join_locked(struct backings *b, uint64_t node, int *id)
{
	struct inode *i = backings_find(b, node);

	if (!i)
		return false;
	i->opens++;
	*id = i->id;
	return true;
}

static int backings_add(struct backings *b, uint64_t node, int id)
{
	struct inode *i = malloc(sizeof *i);

	if (!i)
		return ERR_NO_MEMORY;
	*i = (struct inode){.node = node, .opens = 1, .id = id};
	if (!tsearch(i, &b->inodes, compare)) {
		free(i);
		return ERR_NO_MEMORY;
	}
	return 0;
}

bool backings_join(struct backings *b, uint64_t node, int *id)
{
	bool open;

	pthread_mutex_lock(&b->backings_mtx);
	open = join_locked(b, node, id);
	pthread_mutex_unlock(&b->backings_mtx);
	return open;
}

int backings_open(struct backings *b, uint64_t node, int id, int *used)
{
	int rc = 0;

	pthread_mutex_lock(&b->backings_mtx);
	if (!join_locked(b, node, used)) {
		rc = backings_add(b, node, id);
		if (!rc)
			*used = id;
	}
	pthread_mutex_unlock(&b->backings_mtx);
	return rc;
}

int backings_close(struct backings *b, uint64_t node)
{
	struct inode *i;
	int id = 0;

	pthread_mutex_lock(&b->backings_mtx);
	i = backings_find(b, node);
	if (i && --i->opens == 0) {
		id = i->id;
		tdelete(i, &b->inodes, compare);
		free(i);
	}
	pthread_mutex_unlock(&b->backings_mtx);
	return id;
}
