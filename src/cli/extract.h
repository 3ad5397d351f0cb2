/* SPDX-License-Identifier: MIT */
/*
 * Entries of a dataset made into files on disk, with all attributes that the caller may
 * set: owners and devices only as root. For `cairn get`. Names never lead outside the
 * destination: each directory is opened with O_NOFOLLOW on the way. The tool's thread.
 */
#ifndef CAIRN_CLI_EXTRACT_H
#define CAIRN_CLI_EXTRACT_H

#include "cli/extract_attributes.h"
#include "cli/reader.h"

struct extract;
/* `base`: path in the dataset that becomes `destination` (a directory's, or a file's, new
 * name). `warn` is also told of devices that only root can make. */
int extract_new(struct reader *r, const char *base, const char *destination,
	extract_warn_fn warn, void *ctx, struct extract **out, struct trouble *t);
/* Bytes of files that are done, of the one that is being written too. Any thread. */
uint64_t extract_written(const struct extract *x);
/* Entries in key order, the base first. ERR_EXISTS rather than overwrite anything but a
 * directory by a directory. Nothing half-written is left of a file. */
int extract_entry(struct extract *x, const struct entry *e, struct trouble *t);
/* Directory times and modes, which filling them changed. Call once, at the end. */
int extract_finish(struct extract *x, struct trouble *t);
/* NULL is taken. What was extracted stays. */
void extract_free(struct extract *x);

#endif
