/* SPDX-License-Identifier: MIT */
/*
 * Under which path each inode with several links was extracted first, so that its further
 * names become links to it. A hash table by inode with open addressing. One thread; no I/O.
 */
#ifndef CAIRN_CLI_LINK_TABLE_H
#define CAIRN_CLI_LINK_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct link_name {
	uint64_t inode;
	char *path; /* owned; NULL: an empty slot */
};
/* Zeros are an empty table. */
struct link_table {
	struct link_name *names; /* a power of two of them, at most half in use */
	size_t count, capacity;
};
void link_table_release(struct link_table *l);
/* *first: the path that the inode was added with before (borrowed until the release), or
 * NULL: `path` (copied) is its first. ERR_NO_MEMORY. */
int link_table_add(
	struct link_table *l, uint64_t inode, const char *path, const char **first);

#endif
