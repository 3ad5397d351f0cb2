/* SPDX-License-Identifier: MIT */
/*
 * Pages as the store keeps them: JSON, rows as arrays under a `columns` header
 * (man/cairn-format.5 is the full description).
 *
 * leaf:  {"cairn":"leaf","columns":[...],"objects":[[digest,size,chunks],...],
 *         "runs":[[parent,[row,...]],...]}
 *   columns: name type mode uid gid mtime nsec size links inode content object offset extra
 *   A row may leave out trailing nulls. inode: null when key_hash_inode() gives it.
 *   links: null for 1 (files and the rest) or 2 (directories).
 *   content: hex digest or null when it equals the object's digest (a file that is an
 *   object of its own). object: index into "objects" or null (no bytes).
 *   offset: null for 0.
 *   extra: null or an object with, in this order, those of
 *     "target" (byte string), "device" [major,minor], "xattrs"
 * [[name,{"base64"}|string],...], "extents" [[offset,size],...] that apply. "device" is
 * there for devices alone, and always; "target" likewise for symlinks. objects: each once,
 * in the order of first use; every one is used. chunks: null (one chunk = the object),
 * [[digest,size],...] or "recipe digest". inner:
 * {"cairn":"inner","level":N,"columns":["page","parent","name","entries","bytes"],
 *         "children":[[digest,parent,name,entries,bytes],...]}
 *
 * The encoding is canonical: one sequence of entries has exactly one byte string, and
 * the builder's cuts depend on the entries alone. Pure.
 */
#ifndef CAIRN_FORMAT_PAGE_JSON_H
#define CAIRN_FORMAT_PAGE_JSON_H

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

/* JSON text of a page -> packed form appended to `packed`. Everything is checked.
 * ERR_CORRUPT, ERR_LIMIT (over PAGE_SIZE_MAX bytes or PAGE_ROWS_MAX rows). */
int page_json_decode(struct span text, struct bytes *packed, struct trouble *t);

/* Builds the tree bottom up from entries in key order. Each finished page is given to
 * `emit` (its JSON text borrowed for the call); its digest names it. One thread. */
struct page_builder;
typedef int (*page_emit_fn)(void *ctx, const struct digest *name, struct span text);
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
/* After page_builder_finish(). */
void page_builder_first(const struct page_builder *b, struct first_pages *out);

#endif
