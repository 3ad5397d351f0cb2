/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "tree/cursor.h"
#include "util/error.h"

int cursor_open_child(const struct page_source *s, const struct page *parent,
	uint32_t index, struct digest *digest, struct page *page)
{
	struct page_child child;
	struct page opened;
	int rc = page_child(parent, index, &child);

	if (!rc)
		rc = s->page(s->ctx, &child.digest, &opened);
	if (rc)
		return rc;
	if (opened.level != parent->level - 1 || page_entries(&opened) != child.entries)
		return ERR_CORRUPT;
	*digest = child.digest;
	*page = opened;
	return 0;
}

/* The key of row or child `index`. */
static int key_at(
	const struct page *p, uint32_t index, struct span *parent, struct span *name)
{
	struct entry e;
	struct page_child c;
	int rc;

	if (p->level > 0) {
		rc = page_child(p, index, &c);
		if (!rc) {
			*parent = c.last_parent;
			*name = c.last_name;
		}
		return rc;
	}
	rc = page_entry(p, index, &e);
	if (!rc) {
		*parent = e.parent;
		*name = e.name;
	}
	return rc;
}

/* Orders key `a_index` of `a` and key `b_index` of `b`. */
static int compare_keys(const struct page *a, uint32_t a_index, const struct page *b,
	uint32_t b_index, int *order)
{
	struct span a_parent, a_name, b_parent, b_name;
	int rc = key_at(a, a_index, &a_parent, &a_name);

	if (!rc)
		rc = key_at(b, b_index, &b_parent, &b_name);
	if (!rc)
		*order = place_compare(a_parent, a_name, b_parent, b_name);
	return rc;
}

/* Are the keys of child `index` within those that its parent gives? */
static int check_keys(const struct page *parent, uint32_t index, const struct page *child)
{
	int order;
	int rc = compare_keys(parent, index, child, child->count - 1, &order);

	if (rc)
		return rc;
	if (order != 0)
		return ERR_CORRUPT;
	if (index == 0)
		return 0;
	rc = compare_keys(parent, index - 1, child, 0, &order);
	if (rc)
		return rc;
	return order < 0 ? 0 : ERR_CORRUPT;
}

int cursor_init(struct cursor *c, const struct page_source *s, const struct digest *root)
{
	struct page page;
	int rc = s->page(s->ctx, root, &page);

	if (rc)
		return rc;
	c->source = s;
	c->top = c->level = page.level;
	c->hinted = 0;
	c->open[page.level].page = page;
	c->open[page.level].digest = *root;
	c->open[page.level].index = 0;
	return 0;
}

bool cursor_at_end(const struct cursor *c)
{
	return c->level == c->top && c->open[c->top].index >= c->open[c->top].page.count;
}

bool cursor_at_entry(const struct cursor *c)
{
	return c->level == 0 && !cursor_at_end(c);
}

int cursor_head(const struct cursor *c, struct digest *page)
{
	struct page_child child;
	int rc = page_child(&c->open[c->level].page, c->open[c->level].index, &child);

	if (!rc)
		*page = child.digest;
	return rc;
}

int cursor_head_entries(const struct cursor *c, uint64_t *entries)
{
	struct page_child child;
	int rc = page_child(&c->open[c->level].page, c->open[c->level].index, &child);

	if (!rc)
		*entries = child.entries;
	return rc;
}

static void hint_child(const struct cursor *c, const struct page *page, uint32_t index)
{
	struct page_child child;

	if (!page_child(page, index, &child))
		c->source->hint(c->source->ctx, &child.digest);
}

/* Hints the leaves behind the head, each once, and towards the end of their page the page
 * that has those behind. */
static void cursor_hint_ahead(struct cursor *c, unsigned ahead)
{
	const struct page *page;
	uint32_t at, end;

	if (!c->source->hint || ahead == 0 || c->level != 1)
		return;
	page = &c->open[1].page;
	at = c->open[1].index + 1;
	end = ahead < page->count - at ? at + ahead : page->count;
	for (uint32_t i = c->hinted > at ? c->hinted : at; i < end; i++)
		hint_child(c, page, i);
	if (end == page->count && c->hinted <= end && c->top > 1 &&
		c->open[2].index + 1 < c->open[2].page.count)
		hint_child(c, &c->open[2].page, c->open[2].index + 1);
	c->hinted = end == page->count ? end + 1 : end;
}

int cursor_down(struct cursor *c, unsigned ahead)
{
	const struct page *parent = &c->open[c->level].page;
	uint32_t index = c->open[c->level].index;
	struct digest digest;
	struct page page;
	int rc = cursor_open_child(c->source, parent, index, &digest, &page);

	/* After the page itself was asked for: a source may take but a few wishes. */
	cursor_hint_ahead(c, ahead);
	if (!rc)
		rc = check_keys(parent, index, &page);
	if (rc)
		return rc;
	c->level--;
	if (c->level == 1)
		c->hinted = 0;
	c->open[c->level].page = page;
	c->open[c->level].digest = digest;
	c->open[c->level].index = 0;
	return 0;
}

uint64_t cursor_count(const struct cursor *c)
{
	return page_entries(&c->open[c->top].page);
}

int cursor_seek(struct cursor *c, uint64_t rank, unsigned ahead)
{
	if (rank >= cursor_count(c))
		return ERR_ABSENT;
	while (c->level > 0) {
		uint32_t index;
		uint64_t before;
		int rc = page_child_at(&c->open[c->level].page, rank, &index, &before);

		if (rc)
			return rc;
		c->open[c->level].index = index;
		rc = cursor_down(c, ahead);
		if (rc)
			return rc;
		rank -= before;
	}
	if (rank >= c->open[0].page.count)
		return ERR_CORRUPT;
	c->open[0].index = (uint32_t)rank;
	return 0;
}

int cursor_stand(struct cursor *c, uint64_t rank)
{
	if (rank >= cursor_count(c)) {
		c->open[c->top].index = c->open[c->top].page.count;
		return rank == cursor_count(c) ? 0 : ERR_CORRUPT;
	}
	while (c->level > 0) {
		uint64_t before;
		int rc = page_child_at(
			&c->open[c->level].page, rank, &c->open[c->level].index, &before);

		rank -= !rc ? before : 0;
		if (!rc && rank > 0)
			rc = cursor_down(c, 0);
		if (rc || rank == 0)
			return rc;
	}
	if (rank >= c->open[0].page.count)
		return ERR_CORRUPT;
	c->open[0].index = (uint32_t)rank;
	return 0;
}

void cursor_next(struct cursor *c)
{
	c->open[c->level].index++;
	while (c->level < c->top &&
		c->open[c->level].index >= c->open[c->level].page.count) {
		c->level++;
		c->open[c->level].index++;
	}
}

void cursor_leave_leaf(struct cursor *c)
{
	c->open[0].index = c->open[0].page.count - 1;
	cursor_next(c);
}
