/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "format/names.h"
#include "publish/comparison.h"
#include "publish/history.h"

struct comparison {
	struct history *history;
	uint64_t rank; /* of the next entry before */
	comparison_fn each;
	void *ctx;
	struct key before, after; /* here for their size */
};

struct comparison *comparison_new(
	struct store *store, const struct digest *root, comparison_fn each, void *ctx)
{
	struct comparison *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->each = each;
	c->ctx = ctx;
	c->history = history_new(store, root);
	if (!c->history) {
		free(c);
		return NULL;
	}
	return c;
}

void comparison_free(struct comparison *c)
{
	if (!c)
		return;
	history_free(c->history);
	free(c);
}

/* Tells of the entries before that are less than c->after. *same: the one of that name, if
 * there is one, into *before. */
static int tell_removed(struct comparison *c, struct entry *before, bool *same)
{
	*same = false;
	for (;;) {
		int rc = history_at(c->history, c->rank, before), order;

		if (rc)
			return rc == ERR_ABSENT ? 0 : rc;
		rc = key_encode(before->parent, before->name, &c->before);
		if (rc)
			return rc;
		order = key_compare(&c->before, &c->after);
		if (order > 0)
			return 0;
		c->rank++;
		*same = order == 0;
		if (*same)
			return 0;
		rc = c->each(c->ctx, before, NULL);
		if (rc)
			return rc;
	}
}

int comparison_add(struct comparison *c, const struct entry *after)
{
	struct entry before, whole = *after;
	bool same;
	int rc = key_encode(after->parent, after->name, &c->after);

	if (!rc)
		rc = tell_removed(c, &before, &same);
	if (rc)
		return rc;
	if (whole.inode == 0) {
		struct key_hash hash = key_hash_of(&c->after);

		whole.inode = key_hash_inode(&hash);
	}
	if (!same)
		return c->each(c->ctx, NULL, &whole);
	return entry_same(&before, &whole) ? 0 : c->each(c->ctx, &before, &whole);
}

int comparison_finish(struct comparison *c)
{
	struct entry before;
	int rc;

	while ((rc = history_at(c->history, c->rank, &before)) == 0) {
		c->rank++;
		rc = c->each(c->ctx, &before, NULL);
		if (rc)
			return rc;
	}
	return rc == ERR_ABSENT ? 0 : rc;
}
