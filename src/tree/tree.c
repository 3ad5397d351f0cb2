/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "tree/tree.h"
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
	int rc = s->page(s->ctx, root, &page);

	while (!rc && page.level > 0) {
		uint32_t index;
		uint64_t before;
		struct page above;

		rc = page_find_child(&page, parent, name, &index, &before);
		if (rc)
			return rc;
		spot.place.rank += before;
		if (index == page.count) {
			spot.past_end = true;
			*out = spot;
			return 0;
		}
		above = page;
		rc = cursor_open_child(s, &above, index, &spot.place.leaf, &page);
	}
	if (!rc)
		rc = page_find(&page, parent, name, &spot.place.row, &spot.exact);
	if (rc)
		return rc;
	spot.place.rank += spot.place.row;
	spot.leaf = page;
	*out = spot;
	return 0;
}

int tree_find(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, struct place *place, struct entry *entry)
{
	struct spot spot;
	int rc = locate(s, root, parent, name, &spot);

	if (rc)
		return rc;
	if (!spot.exact)
		return ERR_ABSENT;
	rc = page_entry(&spot.leaf, spot.place.row, entry);
	if (!rc)
		*place = spot.place;
	return rc;
}

int tree_find_path(const struct page_source *s, const struct digest *root, struct span path,
	struct place *place, struct entry *entry)
{
	struct span parent, name;

	if (path_check(path))
		return ERR_ABSENT;
	path_split(path, &parent, &name);
	return tree_find(s, root, parent, name, place, entry);
}

int tree_rank(const struct page_source *s, const struct digest *root, struct span parent,
	struct span name, uint64_t *rank)
{
	struct spot spot;
	int rc = locate(s, root, parent, name, &spot);

	if (!rc)
		*rank = spot.place.rank;
	return rc;
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
	int rc = cursor_init(&c, s, root);

	if (!rc)
		rc = cursor_seek(&c, rank, ahead);
	if (!rc)
		rc = page_entry(&c.open[0].page, c.open[0].index, entry);
	if (!rc)
		*place = cursor_place(&c, rank);
	return rc;
}

int tree_walk(const struct page_source *s, const struct digest *root, uint64_t rank,
	unsigned ahead, tree_each_fn each, void *ctx)
{
	struct cursor c;
	int rc = cursor_init(&c, s, root);

	if (!rc && rank >= cursor_count(&c))
		return 0;
	if (!rc)
		rc = cursor_seek(&c, rank, ahead);
	while (!rc && !cursor_at_end(&c)) {
		struct entry e;
		struct place place;

		if (!cursor_at_entry(&c)) {
			rc = cursor_down(&c, ahead);
			continue;
		}
		rc = page_entry(&c.open[0].page, c.open[0].index, &e);
		if (rc)
			break;
		place = cursor_place(&c, rank++);
		rc = each(ctx, &place, &e);
		cursor_next(&c);
	}
	return rc;
}

/* The child of *page that holds the entry at `rank` of its subtree, if it is here, in its
 * parent's place; *before entries stand before it. */
static int step_down(
	const struct page_source *s, uint64_t rank, struct page *page, uint64_t *before)
{
	struct page_child child;
	struct digest digest;
	uint32_t index;
	int rc = page_child_at(page, rank, &index, before);

	if (!rc)
		rc = page_child(page, index, &child);
	if (rc)
		return rc;
	if (!s->hint(s->ctx, &child.digest))
		return ERR_PENDING;
	return cursor_open_child(s, page, index, &digest, page);
}

/* The page at level 1 that holds the entry at `rank`, if the pages on the way are here, and
 * the rank of its own first entry. */
static int find_above_leaf(const struct page_source *s, const struct digest *root,
	uint64_t rank, struct page *page, uint64_t *start)
{
	int rc = s->hint(s->ctx, root) ? s->page(s->ctx, root, page) : ERR_PENDING;

	*start = 0;
	while (!rc && page->level > 1) {
		uint64_t before;

		rc = step_down(s, rank - *start, page, &before);
		if (!rc)
			*start += before;
	}
	return !rc && page->level != 1 ? ERR_ABSENT : rc;
}

/* Those of one page at level 1, whose first entry is at `start`. */
static uint64_t hint_leaves(const struct page_source *s, const struct page *page,
	uint64_t start, uint64_t rank, uint64_t end, unsigned *most)
{
	struct page_child child;
	uint32_t index;
	uint64_t before;

	if (page_child_at(page, rank - start, &index, &before))
		return end;
	for (rank = start + before; *most > 0 && rank < end; (*most)--) {
		if (index == page->count || page_child(page, index++, &child))
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
		int rc = find_above_leaf(s, root, rank, &page, &start);

		if (rc)
			return rc == ERR_PENDING ? rank : end;
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
	int rc = tree_find(s, root, span_of_string(""), span_of_string(""), &place, &entry);

	if (rc && rc != ERR_ABSENT)
		return rc;
	*first = !rc ? 1 : 0;
	return 0;
}

/* Where the parents that are not below `path` and that byte begin. */
static int rank_behind(const struct page_source *s, const struct digest *root,
	struct span path, uint8_t byte, uint64_t *end)
{
	uint8_t bound[PATH_SIZE_MAX + 1];

	memcpy(bound, path.data, path.size);
	bound[path.size] = byte;
	return tree_rank(s, root, span_of(bound, path.size + 1), span_of_string(""), end);
}

/* Behind the parents that begin with `path` and '/' comes, before all others, what begins
 * with `path` and the byte 0x01. */
static int end_of_subtree(const struct page_source *s, const struct digest *root,
	struct span path, uint64_t *end)
{
	return rank_behind(s, root, path, 0x01, end);
}

int tree_subtree(const struct page_source *s, const struct digest *root, struct span path,
	uint64_t *first, uint64_t *end)
{
	uint64_t from, to;
	int rc, end_rc;

	if (path.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	/* Both are tried, so that both may ask for their pages at once. */
	if (path.size == 0) {
		rc = first_below_root(s, root, &from);
		end_rc = tree_count(s, root, &to);
	} else {
		rc = tree_rank(s, root, path, span_of_string(""), &from);
		end_rc = end_of_subtree(s, root, path, &to);
	}
	if (!rc)
		rc = end_rc;
	if (rc)
		return rc;
	*first = from;
	*end = to;
	return 0;
}

/* Behind the parent `path` comes, before all others, what begins with `path` and '/'. */
int tree_children(const struct page_source *s, const struct digest *root, struct span path,
	uint64_t *first, uint64_t *end)
{
	uint64_t from, to;
	int rc, end_rc;

	if (path.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	rc = path.size ? tree_rank(s, root, path, span_of_string(""), &from)
		       : first_below_root(s, root, &from);
	end_rc = rank_behind(s, root, path, '/', &to);
	if (!rc)
		rc = end_rc;
	if (rc)
		return rc;
	*first = from;
	*end = to;
	return 0;
}

/* Entries [first, end) of a leaf. */
static int leaf_bytes(
	const struct page *leaf, uint64_t first, uint64_t end, uint64_t *bytes)
{
	struct entry e;
	int rc = 0;

	for (uint64_t row = first; !rc && row < end; row++) {
		rc = page_entry(leaf, (uint32_t)row, &e);
		if (!rc && e.type == ENTRY_FILE)
			*bytes = page_bytes_add(*bytes, e.size);
	}
	return rc;
}

/* Entries [first, end) of what is below a page, where a page's own are all of its children:
 * only the first and the last child that are in it can be so in part. */
static int range_bytes(const struct page_source *s, const struct page *page, uint64_t first,
	uint64_t end, uint64_t *bytes)
{
	struct page_child child;
	struct digest digest;
	struct page below;
	uint64_t at;
	uint32_t i;
	int rc;

	if (first >= end)
		return 0;
	if (page->level == 0)
		return end > page->count ? ERR_CORRUPT
					 : leaf_bytes(page, first, end, bytes);
	rc = page_child_at(page, first, &i, &at);
	for (; !rc && at < end && i < page->count; i++, at += child.entries) {
		rc = page_child(page, i, &child);
		if (rc)
			break;
		if (first <= at && end - at >= child.entries) {
			*bytes = page_bytes_add(*bytes, child.bytes);
			continue;
		}
		rc = cursor_open_child(s, page, i, &digest, &below);
		if (!rc)
			rc = range_bytes(s, &below, first > at ? first - at : 0,
				end - at < child.entries ? end - at : child.entries, bytes);
	}
	return rc;
}

int tree_bytes(const struct page_source *s, const struct digest *root, uint64_t first,
	uint64_t end, uint64_t *bytes)
{
	struct page page;
	uint64_t sum = 0;
	int rc = s->page(s->ctx, root, &page);

	if (!rc && end > page_entries(&page))
		end = page_entries(&page);
	if (!rc)
		rc = range_bytes(s, &page, first, end, &sum);
	if (!rc)
		*bytes = sum;
	return rc;
}

int tree_count(const struct page_source *s, const struct digest *root, uint64_t *entries)
{
	struct page page;
	int rc = s->page(s->ctx, root, &page);

	if (!rc)
		*entries = page_entries(&page);
	return rc;
}
