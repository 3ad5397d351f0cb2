/* SPDX-License-Identifier: MIT */
/*
 * A store that takes everything and keeps nothing, over one that is only read, or over
 * none: what a publish would do can be seen by doing it. It counts what is put. Any
 * thread.
 */
#ifndef CAIRN_PUBLISH_STORE_DRY_H
#define CAIRN_PUBLISH_STORE_DRY_H

#include "publish/store.h"

/* `below` becomes its own; NULL: there is no store yet, and it would be called `name`. NULL
 * without memory: then `below` is still the caller's. */
struct store *store_dry_new(struct store *below, const char *name);
/* Blobs that were put, each counted once, and bytes as they would be stored. */
void store_dry_count(struct store *s, uint64_t *blobs, uint64_t *bytes);

#endif
