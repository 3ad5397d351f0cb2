/* SPDX-License-Identifier: MIT */
/*
 * An entry of the tree as the kernel sees it: its attributes, and its path for the log and
 * for lookups below it. Pure; any thread.
 */
#ifndef CAIRN_FS_ENTRY_STAT_H
#define CAIRN_FS_ENTRY_STAT_H

#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "format/entry.h"
#include "format/names.h"

#define FOR_EVER 1e9	/* seconds: nothing changes unless the kernel is told */
#define BLOCK_SIZE 4096 /* bytes */

/* A path on the stack, with a NUL behind it. */
struct path {
	size_t size;
	char data[PATH_SIZE_MAX + 1];
};
/* Borrows from the path. */
struct span path_span(const struct path *p);

/* The path of an entry, without a slash at its head; empty for the root. ERR_LIMIT. */
int entry_path(const struct entry *e, struct path *out);
/* As stat(2) shows it. */
void entry_stat(const struct entry *e, struct stat *st);
/* All three times. */
void entry_stat_time(struct stat *st, int64_t seconds, uint32_t nanoseconds);
/* An answer's entry but for its node id. */
void entry_param(const struct entry *e, struct fuse_entry_param *out);

#endif
