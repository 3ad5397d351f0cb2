/* SPDX-License-Identifier: MIT */
/*
 * The objects of one leaf page, each once, in the order of their first use. Used by what
 * packs a page and by what writes its JSON. Pure; one thread at a time.
 */
#ifndef CAIRN_FORMAT_OBJECT_TABLE_H
#define CAIRN_FORMAT_OBJECT_TABLE_H

#include "format/entry.h"

/* Zero-initialised is empty. */
struct object_table {
	struct object_slot *objects;
	uint32_t count, capacity;
	uint32_t *buckets; /* index + 1, 0: free; a power of two of them */
	uint32_t bucket_count;
	struct bytes lists;
};

void object_table_release(struct object_table *t);
/* Empties without giving back the memory. */
void object_table_clear(struct object_table *t);
/* Copies `o` unless it is there; *index is its place. ERR_CORRUPT when it breaks the
 * rules or stands there under the same digest with another description. */
int object_table_add(struct object_table *t, const struct object_ref *o, uint32_t *index);
/* Object `index` (< count); its list is borrowed until the next add. */
struct object_ref object_table_at(const struct object_table *t, uint32_t index);

#endif
