/* SPDX-License-Identifier: MIT */
/*
 * A page in the form that is searched: packed, position-independent, native byte order,
 * read in place (from LMDB's map, zero-copy). page_json.h turns the store's JSON into it.
 *
 * A page is a leaf (entries), or an inner page (children), of one Merkle tree.
 * page_view() checks the header and the table bounds; every accessor checks what it
 * follows, so that a rotten record can give ERR_CORRUPT but never a wild pointer.
 * Pure; any number of threads may read one page.
 *
 * Packed layout (leaf):  header | rows (fixed size) | runs | files | objects | heap
 *               (inner): header | children (fixed size) | heap
 * The header carries magic, layout version, level, counts and totals; a checksum is up to
 * whoever stores it. page_layout.h has the records, page_packer.h writes them.
 */
#ifndef CAIRN_FORMAT_PAGE_H
#define CAIRN_FORMAT_PAGE_H

#include "format/entry.h"
#include "format/names.h"
#include "util/bytes.h"
#include "util/digest.h"

#define PAGE_LEVEL_MAX 6   /* inner levels above the leaves */
#define PAGE_ROWS_MAX 4096 /* entries of a leaf, children of an inner page */

/* The pages that a listing of the root directory comes to: those on the way from below the
 * root page down to the first leaf, then the leaves behind it that begin with an entry of
 * the root directory. A hint in the manifest; never more than PAGES_FIRST_MAX. */
#define PAGES_FIRST_MAX 16
struct first_pages {
	unsigned count;
	struct digest pages[PAGES_FIRST_MAX];
};

/* A borrowed view; lives on the stack, valid as long as the packed bytes are. */
struct page {
	const uint8_t *data;
	size_t size;
	unsigned level; /* 0: leaf */
	uint32_t count; /* entries or children */
	/* The tables, as page_view() found them: for the accessors below only. */
	uint32_t run_count, file_count, object_count;
	const uint8_t *runs, *files, *objects, *heap;
	size_t heap_size;
};

/* One child of an inner page. Spans borrow. */
struct page_child {
	struct digest digest;
	struct span last_parent, last_name; /* the key of the last entry below it */
	uint64_t entries;
	uint64_t bytes; /* sum of the sizes of files, at most ENTRY_SIZE_MAX */
};

/* 0 or ERR_CORRUPT. */
int page_view(struct span packed, struct page *out);

/* Leaf: entry `row` (< count), borrowed. ERR_CORRUPT. */
int page_entry(const struct page *p, uint32_t row, struct entry *out);
/* Leaf: the first row whose (parent, name) is not below the given; count if none.
 * *exact tells whether it is that very entry. */
int page_find(const struct page *p, struct span parent, struct span name, uint32_t *row,
	bool *exact);
/* Inner: child `index`, borrowed. */
int page_child(const struct page *p, uint32_t index, struct page_child *out);
/* Inner: the first child whose last key is not below (parent, name); count if none.
 * *before: entries in the children before it. */
int page_find_child(const struct page *p, struct span parent, struct span name,
	uint32_t *index, uint64_t *before);
/* Inner: the child that holds entry number `rank` of this page's subtree and how many
 * entries stand before that child. ERR_ABSENT past the end. */
int page_child_at(const struct page *p, uint64_t rank, uint32_t *index, uint64_t *before);
/* Entries below this page (leaf: count), and the sum of the sizes of files (which stops
 * at ENTRY_SIZE_MAX: sparse files can be larger than that together). */
uint64_t page_entries(const struct page *p);
uint64_t page_bytes(const struct page *p);
/* The sum of two such sums of sizes. */
static inline uint64_t page_bytes_add(uint64_t a, uint64_t b)
{
	return b > ENTRY_SIZE_MAX - a ? ENTRY_SIZE_MAX : a + b;
}

#endif
