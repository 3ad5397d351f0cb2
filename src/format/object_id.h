/* SPDX-License-Identifier: MIT */
/*
 * What an object is known by outside of one dataset: its digest, which a dataset only
 * claims, and its layout, which binds it to just one list of chunks. So a dataset that
 * lies about an object names another one, and spoils nothing for an honest one. Plain
 * values; pure.
 */
#ifndef CAIRN_FORMAT_OBJECT_ID_H
#define CAIRN_FORMAT_OBJECT_ID_H

#include <assert.h>

#include "format/entry.h"

struct object_id {
	struct digest digest; /* of the object's bytes */
	/* The recipe's digest, or the SHA-256 of the packed list; zero for a single chunk,
	 * which is bound by its digest. */
	struct digest layout;
};
#define OBJECT_ID_SIZE 64
static_assert(sizeof(struct object_id) == OBJECT_ID_SIZE, "its bytes are a key");

/* Of an object as a page describes it. */
struct object_id object_id_of(const struct object_ref *o);
/* Of an object whose only chunk that is. */
struct object_id object_id_of_chunk(const struct digest *chunk);
bool object_id_equal(const struct object_id *a, const struct object_id *b);
int object_id_compare(const struct object_id *a, const struct object_id *b);

#endif
