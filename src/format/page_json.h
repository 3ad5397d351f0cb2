/* SPDX-License-Identifier: MIT */
/*
 * Pages as the store keeps them: JSON, rows as arrays under a `columns` header
 * (man/cairn-format.5 is the full description).
 *
 * leaf:  {"cairn":"leaf","columns":[...],"objects":[[digest,size,chunks],...],
 *         "runs":[[parent,[row,...]],...]}
 * inner: {"cairn":"inner","level":N,
 *         "columns":["page","parent","name","entries","bytes"],
 *         "children":[[digest,parent,name,entries,bytes],...]}
 *
 *   columns: name type mode uid gid mtime nsec size links inode content object offset extra
 *   A row may leave out trailing nulls. inode: null when key_hash_inode() gives it.
 *   links: null for 1 (files and the rest) or 2 (directories).
 *   content: hex digest or null when it equals the object's digest (a file that is an
 *   object of its own). object: index into "objects" or null (no bytes).
 *   offset: null for 0.
 *   extra: null or an object with, in this order, those that apply of "target" (byte
 *   string), "device" [major,minor], "xattrs" [[name,value],...] (byte strings) and
 *   "extents" [[offset,size],...]. "device" is there for devices alone, and always;
 *   "target" likewise for symlinks.
 *   objects: each once, in the order of first use; every one is used. chunks: null (one
 *   chunk, the object itself), [[digest,size],...] or the recipe's digest.
 *
 * The encoding is canonical: one sequence of entries has exactly one byte string.
 * page_builder.h writes it. Called by whoever brings pages in. Pure; any thread.
 */
#ifndef CAIRN_FORMAT_PAGE_JSON_H
#define CAIRN_FORMAT_PAGE_JSON_H

#include "format/page.h"
#include "util/error.h"

/* JSON text of a page -> packed form appended to `packed`. Everything is checked.
 * ERR_CORRUPT, ERR_LIMIT (over PAGE_SIZE_MAX bytes or PAGE_ROWS_MAX rows). */
int page_json_decode(struct span text, struct bytes *packed, struct trouble *t);

#endif
