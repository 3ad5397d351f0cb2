/* SPDX-License-Identifier: MIT */
/*
 * The difference of two trees. Two cursors go side by side; heads of the same page are
 * stepped over unopened. Pages are cut by content, so behind a change both trees soon come
 * to the same cuts and the same pages again.
 */
#include <config.h>

#include "tree/cursor.h"
#include "tree/diff.h"
#include "util/error.h"

struct diff {
	struct cursor before, after;
	struct tree_told *told; /* up to the cursors */
	tree_diff_fn each;
	tree_leaf_fn leaf; /* may be NULL */
	void *ctx;
};

static int current_entry(const struct cursor *c, struct entry *out)
{
	return page_entry(&c->open[0].page, c->open[0].index, out);
}

static void next_entry(struct cursor *c, uint64_t *told)
{
	cursor_next(c);
	++*told;
}

/* Both stand at entries: tells of and steps over the lower, or both. */
static int step_entries(struct diff *d)
{
	struct entry before, after;
	int rc = current_entry(&d->before, &before);
	int order;

	if (!rc)
		rc = current_entry(&d->after, &after);
	if (rc)
		return rc;
	order = place_compare(before.parent, before.name, after.parent, after.name);
	if (order <= 0)
		next_entry(&d->before, &d->told->before);
	if (order >= 0)
		next_entry(&d->after, &d->told->after);
	if (order < 0)
		return d->each(d->ctx, TREE_REMOVED, &before, NULL);
	if (order > 0)
		return d->each(d->ctx, TREE_ADDED, NULL, &after);
	return entry_same(&before, &after) ? 0
					   : d->each(d->ctx, TREE_CHANGED, &before, &after);
}

/* When a leaf of `before` has just been opened. */
static int tell_leaf(struct diff *d, const struct cursor *c)
{
	if (!d->leaf || c != &d->before || c->level > 0)
		return 0;
	return d->leaf(d->ctx, &c->open[0].digest);
}

/* The other tree is at its end. */
static int step_rest(struct diff *d, enum tree_change change)
{
	bool added = change == TREE_ADDED;
	struct cursor *c = added ? &d->after : &d->before;
	struct entry e;
	int rc;

	if (!cursor_at_entry(c)) {
		rc = cursor_down(c, c->open[c->level].page.count);
		return rc ? rc : tell_leaf(d, c);
	}
	rc = current_entry(c, &e);
	next_entry(c, added ? &d->told->after : &d->told->before);
	if (rc)
		return rc;
	return d->each(d->ctx, change, added ? NULL : &e, added ? &e : NULL);
}

/* The leaf at whose head, or at whose first entry, the cursor stands. */
static bool leaf_begins(const struct cursor *c, struct digest *leaf)
{
	if (c->level == 1)
		return !cursor_head(c, leaf);
	if (c->level > 1 || c->open[0].index > 0)
		return false;
	*leaf = c->open[0].digest;
	return true;
}

/* Do both stand before the same page? */
static bool same_ahead(const struct diff *d)
{
	struct digest before, after;

	if (d->before.level == d->after.level && d->before.level > 1)
		return !cursor_head(&d->before, &before) &&
		       !cursor_head(&d->after, &after) && digest_equal(&before, &after);
	return leaf_begins(&d->before, &before) && leaf_begins(&d->after, &after) &&
	       digest_equal(&before, &after);
}

/* Over the rest of the open leaf, or over the head. */
static int step_over(struct cursor *c, uint64_t *told)
{
	uint64_t entries;
	int rc;

	if (c->level == 0) {
		*told += c->open[0].page.count - c->open[0].index;
		cursor_leave_leaf(c);
		return 0;
	}
	rc = cursor_head_entries(c, &entries);
	if (!rc) {
		*told += entries;
		cursor_next(c);
	}
	return rc;
}

/* Child `index` is hinted unless `other`, of the same level, has it too. */
static void hint_changed(const struct page_source *s, const struct page *page,
	uint32_t index, const struct page *other)
{
	struct page_child child, twin;
	uint32_t at;
	uint64_t before;

	if (page_child(page, index, &child) ||
		page_find_child(other, child.last_parent, child.last_name, &at, &before))
		return;
	if (at == other->count || page_child(other, at, &twin) ||
		!digest_equal(&child.digest, &twin.digest))
		s->hint(s->ctx, &child.digest);
}

/* What differs below two inner pages of a level is known once both are open. */
static void hint_level(const struct cursor *a, const struct cursor *b, unsigned level)
{
	const struct page *p = &a->open[level].page, *q = &b->open[level].page;
	uint32_t i = a->open[level].index, j = b->open[level].index;

	/* In turn: what both need first is asked for first. */
	for (; i < p->count || j < q->count; i++, j++) {
		if (i < p->count)
			hint_changed(a->source, p, i, q);
		if (j < q->count)
			hint_changed(b->source, q, j, p);
	}
}

static void hint_pair(const struct cursor *opened, const struct cursor *other)
{
	unsigned level = opened->level;

	if (opened->source->hint && level > 0 && other->level <= level &&
		other->top >= level)
		hint_level(opened, other, level);
}

/* Where both are when a difference goes on: below all pages that both have open. */
static void hint_all(const struct cursor *a, const struct cursor *b)
{
	unsigned level = a->level > b->level ? a->level : b->level;

	if (!a->source->hint)
		return;
	for (level += level == 0; level <= a->top && level <= b->top; level++)
		hint_level(a, b, level);
}

static int open_head(struct diff *d, struct cursor *c, const struct cursor *other)
{
	int rc = cursor_down(c, 0);

	if (!rc)
		hint_pair(c, other);
	return rc ? rc : tell_leaf(d, c);
}

/* Opens the higher head, or both: also when one is not here yet, to ask for the other. */
static int open_heads(struct diff *d)
{
	unsigned before = d->before.level, after = d->after.level;
	int rc = before >= after ? open_head(d, &d->before, &d->after) : 0;
	int after_rc = after >= before ? open_head(d, &d->after, &d->before) : 0;

	return rc ? rc : after_rc;
}

static int diff_step(struct diff *d)
{
	if (cursor_at_end(&d->before))
		return step_rest(d, TREE_ADDED);
	if (cursor_at_end(&d->after))
		return step_rest(d, TREE_REMOVED);
	if (same_ahead(d)) {
		int rc = step_over(&d->before, &d->told->before);

		return rc ? rc : step_over(&d->after, &d->told->after);
	}
	if (cursor_at_entry(&d->before) && cursor_at_entry(&d->after))
		return step_entries(d);
	return open_heads(d);
}

static int stand(struct cursor *c, const struct page_source *s, const struct digest *root,
	uint64_t rank)
{
	int rc = cursor_init(c, s, root);

	return rc ? rc : cursor_stand(c, rank);
}

static int diff_run(struct diff *d, const struct page_source *s,
	const struct digest *before, const struct digest *after)
{
	int after_rc, rc;

	if (digest_equal(before, after))
		return 0;
	rc = stand(&d->before, s, before, d->told->before);
	after_rc = stand(&d->after, s, after, d->told->after);
	if (!rc)
		rc = after_rc;
	if (!rc)
		hint_all(&d->before, &d->after);
	/* Where it goes on within a leaf, that one has been told of. */
	if (!rc && d->before.level == 0 && d->before.open[0].index == 0)
		rc = tell_leaf(d, &d->before);
	while (!rc && !(cursor_at_end(&d->before) && cursor_at_end(&d->after)))
		rc = diff_step(d);
	return rc;
}

int tree_diff(const struct page_source *s, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_diff_fn each, void *ctx)
{
	struct diff d = {.told = told, .each = each, .ctx = ctx};

	return diff_run(&d, s, before, after);
}

static int tell_nobody(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	(void)ctx, (void)change, (void)before, (void)after;
	return 0;
}

int tree_diff_leaves(const struct page_source *s, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_leaf_fn each, void *ctx)
{
	struct diff d = {.told = told, .each = tell_nobody, .leaf = each, .ctx = ctx};

	return diff_run(&d, s, before, after);
}
