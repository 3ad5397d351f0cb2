/* SPDX-License-Identifier: MIT */
/*
 * Reads a leaf page's JSON: its table of objects, then row by row. What a row says is
 * checked for type and range only; the rules of entries are page_packer_put()'s. Called by
 * page_json.c only. Pure; one thread at a time.
 */
#ifndef CAIRN_FORMAT_LEAF_READER_H
#define CAIRN_FORMAT_LEAF_READER_H

#include <jansson.h>

#include "format/entry.h"
#include "util/error.h"

/* The columns of a leaf's row, in their order. */
enum leaf_column {
	LEAF_NAME,
	LEAF_TYPE,
	LEAF_MODE,
	LEAF_UID,
	LEAF_GID,
	LEAF_MTIME,
	LEAF_NSEC,
	LEAF_SIZE,
	LEAF_LINKS,
	LEAF_INODE,
	LEAF_CONTENT,
	LEAF_OBJECT,
	LEAF_OFFSET,
	LEAF_EXTRA,
};
#define LEAF_COLUMN_COUNT 14
/* Their names, and NULL. */
extern const char *const leaf_columns[LEAF_COLUMN_COUNT + 1];

/* Zero-initialised is empty. */
struct leaf_reader {
	const char *column; /* what is being read, for the trouble */
	struct object_ref *objects;
	uint32_t object_count;
	uint32_t objects_used; /* by the rows so far */
	struct bytes name, target, value, lists, xattrs, extents;
};

void leaf_reader_release(struct leaf_reader *r);
/* The table of objects, once, before the rows. ERR_CORRUPT, ERR_NO_MEMORY. */
int leaf_reader_objects(struct leaf_reader *r, const json_t *objects, struct trouble *t);
/* One row into *out, but for its parent; borrows from `row` and from `r`, until the next.
 * ERR_CORRUPT, ERR_NO_MEMORY: then r->column is where it happened. */
int leaf_reader_row(struct leaf_reader *r, const json_t *row, struct entry *out);

#endif
