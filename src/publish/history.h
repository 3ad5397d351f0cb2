/* SPDX-License-Identifier: MIT */
/*
 * The previous revision, read from the store: where a file's content lay, so that what
 * replaces it can be stored as a delta. Keeps the few pages and recipes used last. One
 * thread; each worker has its own.
 */
#ifndef CAIRN_PUBLISH_HISTORY_H
#define CAIRN_PUBLISH_HISTORY_H

#include "publish/store.h"
#include "tree/tree.h"

struct history;
/* Both are borrowed. `root` NULL: there is no previous revision, nothing is found, but
 * objects can be asked for. NULL without memory. */
struct history *history_new(struct store *s, const struct digest *root);
void history_free(struct history *h);
/* The entry of that name, borrowed until the next call. ERR_ABSENT, or whatever reading
 * its pages met. */
int history_find(
	struct history *h, struct span parent, struct span name, struct entry *out);
/* The one at that rank of the whole revision, in key order. ERR_ABSENT past the
 * end; ERR_CORRUPT also where a page is absent. */
int history_at(struct history *h, uint64_t rank, struct entry *out);
/* The chunk of `object` that holds the byte at `offset`. ERR_ABSENT past the end. */
int history_chunk(struct history *h, const struct object_ref *object, uint64_t offset,
	struct digest *out);
/* Every blob of `object`: its recipes, each before what it lists, and its chunks; `size`:
 * bytes that it has to hold, 0: not known. */
typedef int (*history_each_fn)(void *ctx, const struct digest *blob, uint64_t size);
int history_each_blob(struct history *h, const struct object_ref *object,
	history_each_fn each, void *ctx);
/* Every blob of a file's list of runs, each before what it names. */
int history_each_list(
	struct history *h, const struct extents_ref *list, history_each_fn each, void *ctx);

#endif
