/* SPDX-License-Identifier: MIT */
/*
 * The order of eviction: objects by last use, the oldest first. Pinned objects have no
 * row in it. This file lists and removes; whose files may go now (not lent, not busy) is
 * for the caller to say, and unlinking them is his, after the commit.
 */
#ifndef CAIRN_CACHE_META_EVICTION_H
#define CAIRN_CACHE_META_EVICTION_H

#include "cache/meta/space.h"

/* A place in the order. Zero: before its first row. */
struct eviction_place {
	uint8_t key[USE_KEY_SIZE + 1];
	size_t size;
};

/* The next rows, at most `max`, into `out`. *count 0: there are no more. Rows that lead
 * nowhere come without an instance: removing such a victim tidies the order. */
int eviction_list(struct metadata *m, struct eviction_place *at, struct victim *out,
	size_t max, size_t *count);
/* Goes on behind that row, whatever was listed. */
void eviction_go_behind(struct eviction_place *at, const struct victim *v);
/* One object as a victim, pinned or not. ERR_ABSENT, also when its record is rotten. */
int eviction_find(struct metadata *m, const struct object_id *object, struct victim *out);

/* Within a transaction: removes the records of c->victims that are still as they were
 * listed and not pinned (c->even_pinned: or that). They are in o->gone. */
int eviction_apply(struct space *s, const struct changes *c, struct outcome *o);
/* Removes one record; `indexed` is the last use that its row in the order has. */
int eviction_remove(struct space *s, const struct changes *c,
	const struct object_id *object, const struct object_record *record, int64_t indexed,
	struct outcome *o);

#endif
