/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/changes.h"

#include <stdlib.h>

#define BATCH 256	/* changes copied out of the pages at a time */
#define BATCH_IS_FULL 1 /* as tree_diff_fn returns it */

struct held_change {
	bool has_before, has_after;
	struct entry_copy before, after;
};

struct changes {
	struct held_change batch[BATCH];
	unsigned count;
};

static void held_change_release(struct held_change *c)
{
	entry_copy_release(&c->before);
	entry_copy_release(&c->after);
	*c = (struct held_change){0};
}

static int changes_hold(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	struct changes *c = ctx;
	struct held_change *held = &c->batch[c->count];
	int rc = 0;

	(void)change;
	held->has_before = before != NULL;
	held->has_after = after != NULL;
	if (before)
		rc = entry_copy(before, &held->before);
	if (!rc && after)
		rc = entry_copy(after, &held->after);
	if (rc) {
		held_change_release(held);
		return rc;
	}
	return ++c->count == BATCH ? BATCH_IS_FULL : 0;
}

static void changes_forget(void *ctx)
{
	struct changes *c = ctx;

	while (c->count > 0)
		held_change_release(&c->batch[--c->count]);
}

/* Tells of all that is held, and lets go of it, also after a failure. */
static int changes_tell(
	struct changes *c, int rc, changes_fn each, void *ctx, struct trouble *t)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct held_change *held = &c->batch[i];
		struct told_change told = {
			.before = held->has_before ? &held->before.entry : NULL,
			.after = held->has_after ? &held->after.entry : NULL,
		};

		told.change = change_of(told.before, told.after);
		if (!rc)
			rc = each(ctx, &told, t);
		held_change_release(held);
	}
	c->count = 0;
	return rc;
}

int changes_each(struct revisions *r, const struct digest *before,
	const struct digest *after, changes_fn each, void *ctx, struct trouble *t)
{
	struct changes *c = calloc(1, sizeof *c);
	struct tree_told told = {0};
	struct revisions_diff diff = {
		before, after, &told, changes_hold, changes_forget, c};
	bool is_full;
	int rc;

	if (!c)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	do {
		rc = revisions_diff(r, &diff, t);
		is_full = rc == BATCH_IS_FULL;
		rc = changes_tell(c, is_full ? 0 : rc, each, ctx, t);
	} while (!rc && is_full);
	free(c);
	return rc;
}
