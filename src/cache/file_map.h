/* SPDX-License-Identifier: MIT */
/*
 * What a file is made of, data and holes, by its entry or, when it has too many runs for
 * that, by its list of them (format/extent_list.h): what entry_map() and entry_seek() say,
 * of any file. A list that is not here becomes a want of the attempt, and ERR_PENDING; one
 * that is not what its entry or the list above it says is ERR_CORRUPT. No network; threads
 * as an attempt's.
 */
#ifndef CAIRN_CACHE_FILE_MAP_H
#define CAIRN_CACHE_FILE_MAP_H

#include "cache/attempt.h"

/* The piece that begins at `offset`, which is below the file's size. */
int file_map(struct attempt *a, const struct entry *e, uint64_t offset, struct piece *out);
/* lseek(2) SEEK_DATA / SEEK_HOLE: 0, or ERR_ABSENT for ENXIO. */
int file_seek(struct attempt *a, const struct entry *e, uint64_t offset, bool data,
	uint64_t *out);
/* Reads [offset, offset+size) of the file, holes included, at most to its end; *done: the
 * count. As attempt_read() does, it asks for all that is missing at once, as far as the
 * lists that are here tell what that is. */
int file_read(struct attempt *a, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done);
/* Sees to it that the lists are here of what lies in the file from *offset to `end`, some
 * of them at a time: 0 and *offset moved on, to be called again until it is `end` or
 * beyond; ERR_PENDING: it is as it was or moved on, and as many are wanted as there is room
 * for. */
int file_map_bring(
	struct attempt *a, const struct entry *e, uint64_t *offset, uint64_t end);

#endif
