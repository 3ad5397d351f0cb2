/* SPDX-License-Identifier: MIT */
/*
 * What the index remembers of one unit of work (a bundle, or a large file): enough to
 * write the rows of its files without reading them. Native byte order: the index never
 * leaves the machine. Pure.
 */
#ifndef CAIRN_PUBLISH_RECORD_H
#define CAIRN_PUBLISH_RECORD_H

#include "format/entry.h"

/* One file: its content's columns. The spans and pointers borrow. */
struct record_file {
	bool has_content;
	struct digest content;
	uint64_t offset; /* in the object */
	uint64_t size;	 /* of the file, holes included */
	uint32_t extent_count;
	const uint8_t *extents;	     /* records of EXTENT_RECORD_SIZE */
	struct extents_ref run_list; /* count 0: there is none */
};

struct record {
	bool has_object; /* false: no file has content */
	struct object_ref object;
	uint32_t count;	   /* files */
	struct span files; /* what record_next() steps through */
};

/* Appends; the files follow by record_append_file(). */
int record_append(struct bytes *out, const struct object_ref *object, uint32_t count);
int record_append_file(struct bytes *out, const struct record_file *file);
/* Borrows from `text`. ERR_CORRUPT. */
int record_decode(struct span text, struct record *out);
/* The next file; *at starts at 0. ERR_ABSENT behind the last, ERR_CORRUPT. */
int record_next(const struct record *r, size_t *at, struct record_file *out);

#endif
