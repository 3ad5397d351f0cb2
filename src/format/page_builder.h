/* SPDX-License-Identifier: MIT */
/*
 * Builds the tree of pages bottom up from entries in key order. Where it cuts depends on
 * the entries alone, so the same entries give the same root on any machine. Called by
 * publish/. Pure but for `emit`; one thread at a time.
 */
#ifndef CAIRN_FORMAT_PAGE_BUILDER_H
#define CAIRN_FORMAT_PAGE_BUILDER_H

#include "format/page.h"
#include "util/error.h"

/* Where pages are cut; part of the manifest ("paging"), fixed for format 1. */
#define LEAF_ROWS_MIN 64
#define LEAF_ROWS_MAX 1024
#define LEAF_CUT_ONE_IN 192	  /* mean of 64 + 192 rows */
#define LEAF_BYTES_MAX (1u << 20) /* a page is cut once its JSON (bytes) is over this */
#define INNER_ROWS_MIN 64
#define INNER_ROWS_MAX 1024
#define INNER_CUT_ONE_IN 192

struct page_builder;
/* A finished page: its JSON text, borrowed for the call, and the digest that names it. What
 * is not 0 is passed on. */
typedef int (*page_emit_fn)(void *ctx, const struct digest *name, struct span text);
/* ERR_NO_MEMORY. */
int page_builder_new(page_emit_fn emit, void *ctx, struct page_builder **out);
void page_builder_free(struct page_builder *b);
/* Copies what it needs. e->inode 0 means: derived from the key. ERR_CORRUPT: order, names
 * or attributes; ERR_LIMIT: the attributes are too large for a page; any error of emit is
 * passed on. After a failure the builder is good for nothing but page_builder_free(). */
int page_builder_add(struct page_builder *b, const struct entry *e, struct trouble *t);
/* The root's digest (a single leaf is its own root), total entries and bytes.
 * ERR_INVALID when nothing was added. */
int page_builder_finish(struct page_builder *b, struct digest *root, uint64_t *entries,
	uint64_t *bytes, struct trouble *t);
/* The pages that a listing of the root directory comes to; after page_builder_finish(). */
void page_builder_first(const struct page_builder *b, struct first_pages *out);

#endif
