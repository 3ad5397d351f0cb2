/* SPDX-License-Identifier: MIT */
/*
 * Marks and other changes to object records, applied in one transaction: those of one
 * object together, in their order of arrival, each only to the instance it was meant for.
 */
#ifndef CAIRN_CACHE_META_OBJECT_OPS_H
#define CAIRN_CACHE_META_OBJECT_OPS_H

#include "cache/meta/eviction.h"
#include "cache/meta/transaction.h"

struct marks {
	struct room *room;
	uint64_t settled; /* out: cost of all marks in the batch */
	uint64_t applied; /* out: cost of those that are new in a record */
};

/* Sorts the batch's ops, and sets their outcomes. */
int marks_apply(struct marks *k, struct batch *b);

#endif
