/* SPDX-License-Identifier: MIT */
#include "tree/tree.h"

#include <string.h>

#include "tree/cursor.h"
#include "util/error.h"

/* Where a key is, or would be. */
struct spot {
	struct page leaf;
	struct place place;
	bool exact;
	bool past_end; /* behind all entries: `place.rank` is their number, no leaf */
};

static int locate(const struct page_source *s, const struct digest *root,
	struct span parent, struct span name, struct spot *out)
{
	struct page page;
	struct spot spot = {.place.leaf = *root};
	int err = s->page(s->ctx, root, &page);
	while (err == 0 && page.level > 0) {
		uint32_t index;
		uint64_t before;
		err = page_find_child(&page, parent, name, &index, &before);
		if (err != 0)
			return err;
		spot.place.rank += before;
		if (index == page.count) {
			spot.past_end = true;
			*out = spot;
			return 0;
		}
		struct page above = page;
		err = cursor_open_child(s, &above, index, &spot.place.leaf, &page);
	}
	if (err == 0)
		err = page_find(&page, parent, name, &spot.place.row, &spot.exact);
	if (err != 0)
		return err;
	spot.place.rank += spot.place.row;
	spot.leaf = page;
	*out = spot;
	return 0;
}

int tree_find(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, struct place *place, struct entry *entry)
{
	struct spot spot;
	int err = locate(s, root, parent, name, &spot);
	if (err != 0)
		return err;
	if (!spot.exact)
		return ERR_ABSENT;
	err = page_entry(&spot.leaf, spot.place.row, entry);
	if (err == 0)
		*place = spot.place;
	return err;
}

int tree_find_path(const struct page_source *s, const struct digest *root, struct span path,
	struct place *place, struct entry *entry)
{
	struct span parent, name;
	if (path_check(path) != 0)
		return ERR_ABSENT;
	path_split(path, &parent, &name);
	return tree_find(s, root, parent, name, place, entry);
}

int tree_rank(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, uint64_t *rank)
{
	struct spot spot;
	int err = locate(s, root, parent, name, &spot);
	if (err == 0)
		*rank = spot.place.rank;
	return err;
}

static struct place cursor_place(const struct cursor *c, uint64_t rank)
{
	return (struct place){
		.leaf = c->open[0].digest,
		.row = c->open[0].index,
		.rank = rank,
	};
}

int tree_at(const struct page_source *s, const struct digest *root, uint64_t rank,
	unsigned ahead, struct place *place, struct entry *entry)
{
	struct cursor c;
	int err = cursor_init(&c, s, root);
	if (err == 0)
		err = cursor_seek(&c, rank, ahead);
	if (err == 0)
		err = page_entry(&c.open[0].page, c.open[0].index, entry);
	if (err == 0)
		*place = cursor_place(&c, rank);
	return err;
}

int tree_walk(const struct page_source *s, const struct digest *root, uint64_t rank,
	unsigned ahead, tree_each_fn each, void *ctx)
{
	struct cursor c;
	int err = cursor_init(&c, s, root);
	if (err == 0 && rank >= cursor_count(&c))
		return 0;
	if (err == 0)
		err = cursor_seek(&c, rank, ahead);
	while (err == 0 && !cursor_at_end(&c)) {
		struct entry e;
		if (!cursor_at_entry(&c)) {
			err = cursor_down(&c, ahead);
			continue;
		}
		err = page_entry(&c.open[0].page, c.open[0].index, &e);
		if (err != 0)
			break;
		struct place place = cursor_place(&c, rank++);
		err = each(ctx, &place, &e);
		cursor_next(&c);
	}
	return err;
}

/* The page at level 1 that holds the entry at `rank`, if the pages on the way are here, and
 * the rank of its own first entry. */
static int find_above_leaf(const struct page_source *s, const struct digest *root,
	uint64_t rank, struct page *page, uint64_t *start)
{
	int err = s->hint(s->ctx, root) ? s->page(s->ctx, root, page) : ERR_PENDING;
	*start = 0;
	while (err == 0 && page->level > 1) {
		struct page_child child;
		struct digest digest;
		uint32_t index;
		uint64_t before;
		err = page_child_at(page, rank - *start, &index, &before);
		if (err == 0)
			err = page_child(page, index, &child);
		if (err == 0 && !s->hint(s->ctx, &child.digest))
			err = ERR_PENDING;
		if (err == 0)
			err = cursor_open_child(s, page, index, &digest, page);
		if (err == 0)
			*start += before;
	}
	return err == 0 && page->level != 1 ? ERR_ABSENT : err;
}

/* Those of one page at level 1, whose first entry is at `start`. */
static uint64_t hint_leaves(const struct page_source *s, const struct page *page,
	uint64_t start, uint64_t rank, uint64_t end, unsigned *most)
{
	struct page_child child;
	uint32_t index;
	uint64_t before;
	if (page_child_at(page, rank - start, &index, &before) != 0)
		return end;
	for (rank = start + before; *most > 0 && rank < end; (*most)--) {
		if (index == page->count || page_child(page, index++, &child) != 0)
			break;
		s->hint(s->ctx, &child.digest);
		rank += child.entries;
	}
	return rank < end ? rank : end;
}

uint64_t tree_hint(const struct page_source *s, const struct digest *root, uint64_t first,
	uint64_t end, unsigned most)
{
	uint64_t rank = first;
	while (s->hint && rank < end && most > 0) {
		struct page page;
		uint64_t start, next;
		int err = find_above_leaf(s, root, rank, &page, &start);
		if (err != 0)
			return err == ERR_PENDING ? rank : end;
		next = hint_leaves(s, &page, start, rank, end, &most);
		if (next <= rank)
			return end;
		rank = next;
	}
	return rank;
}

/* The root's own entry stands before what is below it. */
static int first_below_root(
	const struct page_source *s, const struct digest *root, uint64_t *first)
{
	struct place place;
	struct entry entry;
	int err = tree_find(
		s, root, span_of_string(""), span_of_string(""), &place, &entry);
	if (err != 0 && err != ERR_ABSENT)
		return err;
	*first = err == 0 ? 1 : 0;
	return 0;
}

/* Behind the parents that begin with `path` and '/' comes, before all others, what begins
 * with `path` and the byte 0x01. */
static int end_of_subtree(const struct page_source *s, const struct digest *root,
	struct span path, uint64_t *end)
{
	uint8_t bound[PATH_SIZE_MAX + 1];
	memcpy(bound, path.data, path.size);
	bound[path.size] = 0x01;
	return tree_rank(s, root, span_of(bound, path.size + 1), span_of_string(""), end);
}

int tree_subtree(const struct page_source *s, const struct digest *root, struct span path,
	uint64_t *first, uint64_t *end)
{
	uint64_t from, to;
	int err, end_err;
	if (path.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	/* Both are tried, so that both may ask for their pages at once. */
	if (path.size == 0) {
		err = first_below_root(s, root, &from);
		end_err = tree_count(s, root, &to);
	} else {
		err = tree_rank(s, root, path, span_of_string(""), &from);
		end_err = end_of_subtree(s, root, path, &to);
	}
	if (err == 0)
		err = end_err;
	if (err != 0)
		return err;
	*first = from;
	*end = to;
	return 0;
}

int tree_count(const struct page_source *s, const struct digest *root, uint64_t *entries)
{
	struct page page;
	int err = s->page(s->ctx, root, &page);
	if (err == 0)
		*entries = page_entries(&page);
	return err;
}
