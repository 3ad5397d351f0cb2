/* SPDX-License-Identifier: MIT */
/*
 * Quota and floor once more, beside the books: `limits` in the cache's directory, two lines
 * of text. When the books are damaged and begun anew, what somebody set is not to be had
 * from anywhere else. For who holds the metadata's lock (directory.h).
 */
#ifndef CAIRN_CACHE_OBJECTS_LIMITS_FILE_H
#define CAIRN_CACHE_OBJECTS_LIMITS_FILE_H

#include "cache/meta/records.h"
#include "cache/objects/directory.h"

/* ERR_ABSENT; ERR_CORRUPT: it holds something else. */
int limits_file_read(struct directory *d, struct limits_record *out);
/* Writes it unless it says so already. */
int limits_file_write(struct directory *d, const struct limits_record *limits);

#endif
