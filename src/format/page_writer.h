/* SPDX-License-Identifier: MIT */
/*
 * The canonical JSON of one leaf or inner page, row by row. The caller (page_builder.c)
 * has checked the rows and decides where a page ends. Pure; one thread at a time.
 */
#ifndef CAIRN_FORMAT_PAGE_WRITER_H
#define CAIRN_FORMAT_PAGE_WRITER_H

#include "format/json_text.h"
#include "format/object_table.h"
#include "format/page.h"

/* Zero-initialised is empty. */
struct leaf_writer {
	struct object_table objects;
	struct json_text object_rows, runs;
	struct bytes parent; /* of the last row */
	unsigned nulls;	     /* columns of the row that hang in the air: written only when
			      * another follows */
	uint32_t count;
	uint64_t bytes; /* sum of the sizes of files */
};

void leaf_writer_release(struct leaf_writer *w);
/* Empties without giving back the memory. */
void leaf_writer_clear(struct leaf_writer *w);
/* Copies. `inode` false: it is the one that the key gives. ERR_CORRUPT: the object is
 * known with another description or breaks the rules. */
int leaf_writer_add(struct leaf_writer *w, const struct entry *e, bool inode);
/* Bytes of the page as it stands. */
size_t leaf_writer_size(const struct leaf_writer *w);
/* The page's text into `out` (cleared first); at least one row. */
int leaf_writer_finish(const struct leaf_writer *w, struct json_text *out);

struct inner_writer {
	struct json_text children;
	uint32_t count;
	uint64_t entries, bytes;
};

void inner_writer_release(struct inner_writer *w);
void inner_writer_clear(struct inner_writer *w);
void inner_writer_add(struct inner_writer *w, const struct page_child *c);
size_t inner_writer_size(const struct inner_writer *w);
int inner_writer_finish(
	const struct inner_writer *w, unsigned level, struct json_text *out);

#endif
