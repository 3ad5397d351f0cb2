/* SPDX-License-Identifier: MIT */
/*
 * What `.cairn` needs of a server (dot_cairn.h): the manifest of a revision, the revision
 * of a tag, which revisions there are. Blocks; on the thread of errands.h.
 */
#ifndef CAIRN_FS_DOT_CAIRN_BRING_H
#define CAIRN_FS_DOT_CAIRN_BRING_H

#include "fs/revision_names.h"
#include "fs/revision_source.h"

struct errands;
struct filesystem;
struct dot_cairn {
	const struct revision_source *source; /* borrowed */
	struct revision_names names;
	struct errands *errands;
};

/* Each waits at most until `until`, CLOCK_MONOTONIC ns. On 0, filesystem.h's retained has
 * it. Errors of the source, with a sentence; ERR_UNSUPPORTED: of filesystem.h. */
int dot_cairn_bring_revision(
	struct filesystem *fs, uint64_t revision, int64_t until, struct trouble *t);
/* The names as well. Where it cannot be had, what was known of the tag goes on being so. */
int dot_cairn_bring_tag(
	struct filesystem *fs, const char *tag, int64_t until, struct trouble *t);
/* The range of the names, as far as it could be found out. */
int dot_cairn_bring_range(struct filesystem *fs, int64_t until, struct trouble *t);

#endif
