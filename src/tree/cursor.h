/* SPDX-License-Identifier: MIT */
/*
 * A position in a tree of pages that moves forward, opening pages as it comes to them. It
 * stands at an entry, or at the head of a subtree that is not open yet. Every page that it
 * opens is checked against what its parent says of it: level, entries, keys; so a walk
 * meets no name twice and none out of order, whoever made the pages. For tree.c and diff.c;
 * errors of the page source are passed on. One thread.
 */
#ifndef CAIRN_TREE_CURSOR_H
#define CAIRN_TREE_CURSOR_H

#include "tree/page_source.h"

struct cursor {
	const struct page_source *source;
	/* The open pages by level; from `level` up to `top` they are those on the way from
	 * the position to the root. `index` is the child or row where the way goes on. */
	struct {
		struct page page;
		struct digest digest;
		uint32_t index;
	} open[PAGE_LEVEL_MAX + 1];
	unsigned top, level;
	uint32_t hinted; /* children of the page at level 1 before this one were hinted */
};

/* At the head of the root's first child, or at the first entry. */
int cursor_init(struct cursor *c, const struct page_source *s, const struct digest *root);
/* Entries in the whole tree. */
uint64_t cursor_count(const struct cursor *c);
/* At the entry of that rank, straight from cursor_init(). ERR_ABSENT past the end. */
int cursor_seek(struct cursor *c, uint64_t rank, unsigned ahead);
/* The same, but where a subtree begins with that entry it is not opened: at its head. At
 * the end with the number of entries; ERR_CORRUPT beyond. */
int cursor_stand(struct cursor *c, uint64_t rank);
bool cursor_at_end(const struct cursor *c);
bool cursor_at_entry(const struct cursor *c); /* false: at a head, or at the end */
/* At a head: its page. */
int cursor_head(const struct cursor *c, struct digest *page);
/* At a head: the entries below it. */
int cursor_head_entries(const struct cursor *c, uint64_t *entries);
/* At a head: opens it, to stand at its first child or entry. Nothing moves on failure. The
 * next `ahead` pages on its level are hinted. */
int cursor_down(struct cursor *c, unsigned ahead);
/* Over the entry, or over the whole subtree of the head. */
void cursor_next(struct cursor *c);
/* Over the rest of the open leaf. */
void cursor_leave_leaf(struct cursor *c);

/* The page of child `index`, if it is what its parent says by level and entries. */
int cursor_open_child(const struct page_source *s, const struct page *parent,
	uint32_t index, struct digest *digest, struct page *page);

#endif
