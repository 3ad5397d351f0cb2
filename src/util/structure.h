/* SPDX-License-Identifier: MIT */
/*
 * Looks through LMDB's file for what LMDB itself takes for granted: it follows the numbers
 * and offsets in a page wherever they lead, out of its map, over its heap or round in a
 * circle. So whoever opens a cache or a publisher's index alone has all of its tree looked
 * at first: each page is what its parent says, is used once, its rows lie in it, apart and
 * in order, and the counts add up. Reads the file as its bytes, without LMDB; values are
 * not looked at (whoever puts them has checksums).
 *
 * The layout is that of lmdb_page.h. Any thread.
 */
#ifndef CAIRN_UTIL_STRUCTURE_H
#define CAIRN_UTIL_STRUCTURE_H

#include <stdint.h>

struct structure {
	uint64_t bytes; /* up to the last page in use; 0: there is nothing yet */
	uint64_t free;	/* of them, in pages that are to be used again */
};
/* `file` is the data file; nobody writes meanwhile. ERR_CORRUPT: not to be given to LMDB;
 * ERR_UNSUPPORTED: of another data version, which only LMDB can tell about. */
int structure_check_file(const char *file, struct structure *out);
/* The same of the file in the directory `path`; and of its two first pages only. */
int structure_check(const char *path, struct structure *out);
int structure_check_heads(const char *path);

#endif
