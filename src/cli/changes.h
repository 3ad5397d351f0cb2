/* SPDX-License-Identifier: MIT */
/*
 * The changes between two revisions, one after the other in the order of the tree, at the
 * cost of the pages that differ and in bounded memory. Between them no transaction of the
 * cache is open, so whoever hears of them may take its time. One thread; blocking.
 */
#ifndef CAIRN_CLI_CHANGES_H
#define CAIRN_CLI_CHANGES_H

#include "cli/change.h"
#include "cli/revisions.h"

struct told_change {
	struct change change;
	const struct entry *before, *after; /* borrowed; NULL: there is none */
};

/* Non-zero stops and is returned. */
typedef int (*changes_fn)(void *ctx, const struct told_change *c, struct trouble *t);
int changes_each(struct revisions *r, const struct digest *before,
	const struct digest *after, changes_fn each, void *ctx, struct trouble *t);

#endif
