/* SPDX-License-Identifier: MIT */
/*
 * Pins: named sets of objects that are not thrown out. A pinned object has no row in the
 * order of eviction. inspect.h says what they mean to people.
 */
#ifndef CAIRN_CACHE_META_PINS_H
#define CAIRN_CACHE_META_PINS_H

#include "cache/meta/changes.h"
#include "cache/meta/records.h"

#define PIN_NAME_MAX 255 /* bytes: name, NUL and object id are a key of LMDB (511) */

/* Within a transaction: adds those of the changes. */
int pins_apply(struct metadata *m, MDB_txn *txn, const struct changes *c);
bool pins_has(struct metadata *m, MDB_txn *txn, const struct object_id *object);

/* Outside of a transaction. */
int pins_look(struct metadata *m, const struct object_id *object, bool *pinned);

/* In a transaction of its own: takes that name from some of its objects. *removed 0:
 * there are none left. */
int pins_remove_some(
	struct metadata *m, int64_t deadline, const char *name, uint64_t *removed);

struct pin_count {
	char name[PIN_NAME_MAX + 1];
	uint64_t objects;
};
/* The pin after `after` ("": the first) in the order of names. ERR_ABSENT. */
int pins_next(struct metadata *m, const char *after, struct pin_count *out);

#endif
