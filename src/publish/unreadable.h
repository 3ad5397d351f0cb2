/* SPDX-License-Identifier: MIT */
/*
 * The names of the source that could not be read, and why, for whoever tells the user. The
 * memory is bounded: all are counted, the first ones kept. One thread at a time.
 */
#ifndef CAIRN_PUBLISH_UNREADABLE_H
#define CAIRN_PUBLISH_UNREADABLE_H

#include "util/bytes.h"
#include "util/error.h"

#define UNREADABLE_BYTES_MAX (4u << 20)

/* Zero-initialised: none. */
struct unreadable {
	struct bytes text; /* of each that is kept: path, NUL, reason, NUL */
	uint64_t count, kept;
	int code; /* of the first */
};

void unreadable_release(struct unreadable *u);
/* `why`: more words than the code has, or NULL. ERR_NO_MEMORY. */
int unreadable_add(struct unreadable *u, const char *path, int code, const char *why);
/* Steps through those that are kept, in the order in which they were met: false behind the
 * last. *at starts at 0; both borrow. */
bool unreadable_next(
	const struct unreadable *u, size_t *at, const char **path, const char **reason);
/* The sentence of a publish that ends for them; returns the first one's code. */
int unreadable_fail(const struct unreadable *u, const char *source, struct trouble *t);

#endif
