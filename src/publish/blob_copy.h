/* SPDX-License-Identifier: MIT */
/*
 * One blob from a store into another: looked at in both, decoded and hashed on the way, and
 * readable where it comes to, whatever it is a delta on. Any number of threads at a time.
 */
#ifndef CAIRN_PUBLISH_BLOB_COPY_H
#define CAIRN_PUBLISH_BLOB_COPY_H

#include "publish/blob_pool.h"

struct blob_copy {
	struct store *from, *to;
	/* Decode what is in `to`, rather than only look at its size and frame. */
	bool read_all;
};

struct blob_copied {
	uint64_t blobs, bytes; /* put into `to`: as stored, a base included */
	bool lacking; /* it is `from` that failed: the blob is absent there, rotten, or not
			 what is said of it */
};

/* `blob`: its size, where it is not 0, has to be right. */
int blob_copy(const struct blob_copy *c, struct blob_scratch *x, const struct reached *blob,
	struct blob_copied *out, struct trouble *t);
/* Is it in `s`, and can it be read as far as `read_all` tells? 0; ERR_ABSENT; ERR_CORRUPT:
 * what is there has to be replaced, by a plain one. A delta whose base is not right is
 * corrupt. *stored: of what is there. */
int blob_look(struct store *s, struct blob_scratch *x, const struct reached *blob,
	bool read_all, struct stored *stored, struct trouble *t);
/* Puts x->content as a plain blob: *bytes, as stored. */
int blob_put_plain(struct store *to, struct blob_scratch *x, const struct digest *name,
	uint64_t *bytes, struct trouble *t);

#endif
