/* SPDX-License-Identifier: MIT */
/*
 * One page of LMDB's file, as its bytes: what is in it, and whether that lies in it. The
 * layout is that of data version 1 (mdb.c of LMDB 0.9: MDB_page, MDB_node, MDB_db,
 * MDB_meta; flags have their names there), in the byte order and word size of the machine.
 * Pure; any thread. For structure.h, which follows pages to others.
 */
#ifndef CAIRN_UTIL_LMDB_PAGE_H
#define CAIRN_UTIL_LMDB_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LMDB_PAGE_MIN 512 /* bytes */
#define LMDB_PAGE_MAX 32768

#define P_BRANCH 0x01
#define P_LEAF 0x02
#define P_OVERFLOW 0x04
#define P_META 0x08
/* How it begins. */
struct lmdb_page {
	size_t number;
	uint16_t pad, flags;
	union {
		struct {
			uint16_t lower, upper;
		};
		uint32_t pages; /* of overflow */
	};
};

/* Where a tree is, and how large. */
struct lmdb_tree {
	uint32_t pad;
	uint16_t flags, depth;
	size_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct lmdb_meta {
	uint32_t magic, version;
	void *address;
	size_t map_size;
	struct lmdb_tree dbs[2]; /* free pages; the main one */
	size_t last_page, txn;
};

#define F_BIGDATA 0x01
#define F_SUBDATA 0x02
/* A row of a leaf, or a child of a branch: its key follows, then its value. */
struct lmdb_node {
	uint16_t lo, hi, flags, key_size;
};

/* Bytes of a row's value, wherever it lies. */
size_t lmdb_node_data_size(const struct lmdb_node *n);
/* The number of a child's page. */
size_t lmdb_node_child(const struct lmdb_node *n);

/* The page number `number` of a tree, of `size` bytes, a leaf or a branch: its nodes, at
 * least one, lie within it, do not overlap, and leave no gaps; *count is how many. `used`
 * is room for `size` bytes. ERR_CORRUPT. */
int lmdb_page_check(const uint8_t *page, size_t size, size_t number, bool leaf,
	uint8_t *used, size_t *count);
/* The i-th node of a page that was checked: where it begins, and a copy. */
const uint8_t *lmdb_page_node(const uint8_t *page, size_t i, struct lmdb_node *out);

#endif
