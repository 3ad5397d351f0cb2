/* SPDX-License-Identifier: MIT */
/*
 * A profile: which parts of which files somebody reads, in the order of their first use.
 * Its text is JSON lines, an object for each read with the members path, offset (or it is
 * 0) and size (or it is all that follows); whatever else a line says is not looked at, so
 * what `cairn trace` writes is one. Reads of a file that overlap, or lie so near that one
 * chunk mostly holds both, are one. Hostile: all is checked against the caps below. Pure;
 * one thread at a time.
 */
#ifndef CAIRN_FORMAT_PROFILE_H
#define CAIRN_FORMAT_PROFILE_H

#include "format/entry.h"
#include "format/names.h"
#include "util/error.h"

#define PROFILE_TEXT_MAX (64u << 20)  /* bytes that are read: a trace of a long while */
#define PROFILE_STORED_MAX (1u << 20) /* bytes of what is published: one chunk, at most */
#define PROFILE_LINE_MAX 32768	      /* bytes: a path, escaped in JSON, fits */
#define PROFILE_FILES_MAX 65536
#define PROFILE_READS_MAX 262144
#define PROFILE_FILE_READS_MAX 64 /* of a file; with more of them it is read through */
#define PROFILE_NEAR 131072	  /* bytes between two reads that become one */

struct profile;
/* *out: heap, for profile_free(). Lines that are no reads are passed over, and a last one
 * that was cut off. ERR_CORRUPT, ERR_LIMIT (with the line's number), ERR_NO_MEMORY. */
int profile_decode(struct span text, struct profile **out, struct trouble *t);
void profile_free(struct profile *p);

struct profile_read {
	struct span path;      /* borrowed from the profile */
	uint64_t offset, size; /* ENTRY_SIZE_MAX - offset: to the end */
	uint32_t file;	       /* below profile_files(): equal for reads of the same */
};
/* In the order of their first use. */
size_t profile_reads(const struct profile *p);
struct profile_read profile_read_at(const struct profile *p, size_t index);
size_t profile_files(const struct profile *p);
struct span profile_path(const struct profile *p, size_t file);

/* Appends its text, of those files only for which keep[file] (NULL: of all), as long as it
 * stays within `max` bytes. *left_out: reads that had no room. Decoded, it gives the same
 * text. ERR_NO_MEMORY. */
int profile_encode(const struct profile *p, const bool *keep, size_t max,
	struct bytes *text, size_t *left_out);

#endif
