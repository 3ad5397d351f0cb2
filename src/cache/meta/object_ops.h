/* SPDX-License-Identifier: MIT */
/*
 * Changes to object records, applied in one transaction: those of one object together, in
 * their order of arrival, each only to the instance it was meant for.
 */
#ifndef CAIRN_CACHE_META_OBJECT_OPS_H
#define CAIRN_CACHE_META_OBJECT_OPS_H

#include "cache/meta/space.h"

/* Sorts c->ops, and sets their results. *released: the cost of all marks; *applied: of
 * those that are new in a record. An object of which nothing is left goes (o->gone). */
int object_ops_apply(struct space *s, const struct changes *c, struct outcome *o,
	uint64_t *released, uint64_t *applied);

#endif
