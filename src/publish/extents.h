/* SPDX-License-Identifier: MIT */
/*
 * Where a sparse file has data (lseek(2), SEEK_DATA and SEEK_HOLE). At most
 * EXTENT_COUNT_MAX runs: beyond that the smallest holes are filled, that is, read and
 * published as zeros. Any thread.
 */
#ifndef CAIRN_PUBLISH_EXTENTS_H
#define CAIRN_PUBLISH_EXTENTS_H

#include <sys/stat.h>

#include "format/entry.h"

struct extents {
	bool sparse;	    /* there is a hole; else `items` is empty */
	uint64_t data_size; /* bytes to be read: of the runs, or of the whole file */
	uint32_t count;
	uint32_t capacity;
	struct extent *items;
};

/* Fewer blocks than bytes: only then is a file asked for its holes. */
bool extents_likely(const struct stat *st);
/* Fills `out` (zero-initialised or used before), for a file of st->st_size bytes.
 * Moves the file's offset. */
int extents_read(int fd, const struct stat *st, struct extents *out);
void extents_release(struct extents *e);

/* Adds a run behind the others, joined to the last one when they touch; for readers of
 * lists and for tests. */
int extents_add(struct extents *e, struct extent run);
/* Fills the smallest holes until at most `most` runs (at least 1) are left. */
int extents_reduce(struct extents *e, uint32_t most);

#endif
