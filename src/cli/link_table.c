/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/link_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define CAPACITY_FIRST 256

static struct link_name *link_slot(struct link_table *l, uint64_t inode)
{
	size_t i = (size_t)inode & (l->capacity - 1);

	while (l->names[i].path && l->names[i].inode != inode)
		i = (i + 1) & (l->capacity - 1);
	return &l->names[i];
}

static int link_table_grow(struct link_table *l)
{
	struct link_table grown = {
		.count = l->count,
		.capacity = l->capacity ? l->capacity * 2 : CAPACITY_FIRST,
	};

	grown.names = calloc(grown.capacity, sizeof *grown.names);
	if (!grown.names)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < l->capacity; i++)
		if (l->names[i].path)
			*link_slot(&grown, l->names[i].inode) = l->names[i];
	free(l->names);
	*l = grown;
	return 0;
}

int link_table_add(
	struct link_table *l, uint64_t inode, const char *path, const char **first)
{
	struct link_name *slot;

	if (l->count * 2 >= l->capacity && link_table_grow(l))
		return ERR_NO_MEMORY;
	slot = link_slot(l, inode);
	if (slot->path) {
		*first = slot->path;
		return 0;
	}
	slot->path = strdup(path);
	if (!slot->path)
		return ERR_NO_MEMORY;
	slot->inode = inode;
	l->count++;
	*first = NULL;
	return 0;
}

void link_table_release(struct link_table *l)
{
	for (size_t i = 0; i < l->capacity; i++)
		free(l->names[i].path);
	free(l->names);
	*l = (struct link_table){0};
}
