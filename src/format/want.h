/* SPDX-License-Identifier: MIT */
/*
 * A want: a blob that is not here, by its name, and for a chunk where it belongs. Made by
 * the cache (what a request lacks), handed to source/, which brings it; what was brought is
 * kept under it. Plain values; pure.
 */
#ifndef CAIRN_FORMAT_WANT_H
#define CAIRN_FORMAT_WANT_H

#include <stdint.h>

#include "format/blob.h"
#include "format/object_id.h"
#include "util/digest.h"

struct want {
	enum blob_kind kind;
	struct digest digest;
	uint64_t size; /* chunk: its exact bytes; else the cap PAGE_SIZE_MAX */
	/* chunks only: the place in the object */
	struct object_id object;
	uint64_t object_size; /* bytes */
	uint64_t chunks;      /* in the object */
	uint64_t ordinal;     /* of this chunk in the object */
	uint64_t start;	      /* its first byte in the object */
};

#endif
