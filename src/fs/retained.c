/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/retained.h"

#include <fuse_lowlevel.h>
#include <stdlib.h>

#include "format/names.h"
#include "util/error.h"

struct retained_table *retained_table_new(void)
{
	struct retained_table *t = calloc(1, sizeof *t);

	if (t)
		pthread_mutex_init(&t->retained_mtx, NULL);
	return t;
}

static void retained_free(struct retained *r)
{
	if (r)
		node_table_free(r->node_table);
	free(r);
}

void retained_table_free(struct retained_table *t)
{
	if (!t)
		return;
	for (unsigned i = 1; i <= t->count; i++)
		retained_free(atomic_load(&t->items[i]));
	pthread_mutex_destroy(&t->retained_mtx);
	free(t);
}

/* Numbers of 63 bits, like those of entries, that have nothing to do with each other: the
 * finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t retained_mix(uint64_t revision)
{
	uint64_t z = revision + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) >> 1;
}

static struct retained *retained_new(const struct manifest *m, uint64_t space)
{
	struct retained *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	*r = (struct retained){.space = space,
		.view = {.revision = m->revision, .root = m->root, .totals = m->totals},
		.node_table = node_table_new(),
		.inode_mix = retained_mix(m->revision)};
	if (!r->node_table) {
		free(r);
		return NULL;
	}
	return r;
}

/* Under the lock, or of those that were there when it was taken. */
static struct retained *retained_among(
	struct retained_table *t, unsigned count, uint64_t revision)
{
	for (unsigned i = 1; i <= count; i++) {
		struct retained *r = atomic_load(&t->items[i]);

		if (r->view.revision == revision)
			return r;
	}
	return NULL;
}

const struct retained *retained_find(struct retained_table *t, uint64_t revision)
{
	unsigned count;

	pthread_mutex_lock(&t->retained_mtx);
	count = t->count;
	pthread_mutex_unlock(&t->retained_mtx);
	return retained_among(t, count, revision);
}

int retained_add(
	struct retained_table *t, const struct manifest *m, const struct retained **out)
{
	struct retained *r;
	int rc = 0;

	pthread_mutex_lock(&t->retained_mtx);
	r = retained_among(t, t->count, m->revision);
	if (!r && t->count + 1 == NODE_SPACE_LAST)
		rc = ERR_LIMIT;
	else if (!r && !(r = retained_new(m, t->count + 1)))
		rc = ERR_NO_MEMORY;
	if (!rc && r->space > t->count)
		atomic_store(&t->items[++t->count], r);
	pthread_mutex_unlock(&t->retained_mtx);
	if (!rc)
		*out = r;
	return rc;
}

const struct retained *retained_of_space(struct retained_table *t, uint64_t space)
{
	return t && space < NODE_SPACE_LAST ? atomic_load(&t->items[space]) : NULL;
}

uint64_t retained_root_inode(uint64_t revision)
{
	static const struct span empty = {NULL, 0};
	struct key_hash hash;
	struct key root;

	(void)key_encode(empty, empty, &root); /* it is short enough */
	hash = key_hash_of(&root);
	return key_hash_inode(&hash) ^ retained_mix(revision);
}

uint64_t retained_root(const struct retained *r)
{
	return r->space << NODE_SPACE_SHIFT | FUSE_ROOT_ID;
}
