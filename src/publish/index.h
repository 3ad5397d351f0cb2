/* SPDX-License-Identifier: MIT */
/*
 * The index of unchanged files: a local LMDB environment per store and source that maps
 * the fingerprint of a unit of work (a bundle or a large file: path, device, inode, size,
 * mtime, ctime of its files) to its record. It only ever saves work: it may be removed, and
 * what is corrupt in it counts as absent. A successful publish keeps the records that it
 * used or made and drops the others; one that was killed leaves its own beside the old.
 * One thread.
 */
#ifndef CAIRN_PUBLISH_INDEX_H
#define CAIRN_PUBLISH_INDEX_H

#include <sys/stat.h>

#include "util/digest.h"
#include "util/error.h"
#include "util/log.h"

/* A file touched less than this before it was read may change again within the same time
 * stamp: it is not remembered. */
#define INDEX_STABLE_NS (2 * NS_PER_SECOND)

struct index;
/* One that is damaged is begun anew, with a warning. */
/* `store` and `source`: absolute paths, which name the environment in `directory` (made
 * when missing). ERR_BUSY and the like are no reason to give up: publish without. */
int index_open(const char *directory, const char *store, const char *source,
	struct log *log, struct index **out, struct trouble *t);
void index_close(struct index *x);

/* Appends one file's part of a unit's fingerprint to `text`. */
int index_fingerprint(struct bytes *text, const char *path, const struct stat *st);
/* May the state `st`, seen at `now` (CLOCK_REALTIME ns), be remembered? */
bool index_is_stable(const struct stat *st, int64_t now);

/* The record, appended to `out`, ERR_ABSENT. It is kept for the next time. */
int index_get(struct index *x, const struct digest *fingerprint, struct bytes *out);
int index_put(struct index *x, const struct digest *fingerprint, struct span record);
/* After a successful publish: makes the records of this one the index. */
int index_commit(struct index *x);

#endif
