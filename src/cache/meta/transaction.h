/* SPDX-License-Identifier: MIT */
/*
 * What the committer does with one batch: a single write transaction, and then, when it
 * is committed, its effects on this process (handles, ledger).
 */
#ifndef CAIRN_CACHE_META_TRANSACTION_H
#define CAIRN_CACHE_META_TRANSACTION_H

#include "cache/object_io.h"
#include "cache/meta/records.h"

enum op_kind { OP_MARK, OP_DROP, OP_LOSE, OP_USE, OP_TRUST };
enum op_outcome {
	OP_NOTHING,
	OP_DONE,
	OP_STALE, /* not for the instance that the record is of */
	OP_ENDED, /* the instance, or what is known of it, is no longer valid */
};

struct op {
	enum op_kind kind;
	enum op_outcome outcome;
	size_t number;	       /* order of arrival */
	struct object *object; /* a reference, or NULL */
	struct digest digest;
	uint64_t instance;
	uint64_t ordinal, start, size;
	struct digest chunk;
	int64_t seconds;
};

struct pin_op {
	char *name; /* heap */
	struct digest object;
};

/* Owned by the committer; everything in it is released after the round. */
struct batch {
	struct op *ops;
	size_t op_count, op_capacity;
	struct blob_buffer **pages;
	size_t page_count, page_capacity;
	struct digest *rotten; /* pages to delete, before the others are put */
	size_t rotten_count, rotten_capacity;
	struct pin_op *pins;
	size_t pin_count, pin_capacity;
	bool shrink; /* nothing is going on: give back the lease */
};

/* Commits. On an error nothing of the batch has happened, and its marks are forgotten.
 * *more: there is housekeeping left for another round. */
int round_commit(struct cache *c, struct batch *b, bool *more);

#endif
