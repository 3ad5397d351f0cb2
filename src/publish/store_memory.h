/* SPDX-License-Identifier: MIT */
/*
 * A store in memory, for tests: they need no disk, can damage what is in it, and see that
 * no user of store.h relies on a directory. Lock: one mutex over the files. Any thread.
 */
#ifndef CAIRN_PUBLISH_STORE_MEMORY_H
#define CAIRN_PUBLISH_STORE_MEMORY_H

#include "publish/store.h"

/* NULL without memory. */
struct store *store_memory_new(void);
/* Puts any bytes at any path, with that time: as damage would, or another program. */
int store_memory_plant(struct store *s, const char *path, struct span data, int64_t mtime);

#endif
