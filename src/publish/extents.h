/* SPDX-License-Identifier: MIT */
/*
 * Where a sparse file has data (lseek(2), SEEK_DATA and SEEK_HOLE), a run at a time: there
 * may be millions. Any thread.
 */
#ifndef CAIRN_PUBLISH_EXTENTS_H
#define CAIRN_PUBLISH_EXTENTS_H

#include <sys/stat.h>

#include "format/extent.h"

/* Fewer blocks than bytes: only then is a file asked for its holes. */
bool extents_likely(const struct stat *st);
/* The next run of data at or behind `at`, of a file of `size` bytes. Moves the file's
 * offset. ERR_ABSENT when only a hole follows; ERR_CHANGED. */
int extents_next(int fd, uint64_t at, uint64_t size, struct extent *out);
/* Bytes of data in the file; counted no further once they are `most`. */
int extents_measure(int fd, const struct stat *st, uint64_t most, uint64_t *bytes);

#endif
