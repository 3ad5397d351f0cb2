/* SPDX-License-Identifier: MIT */
/*
 * Goes through a profile's reads in their order: finds the files, many at a time, so that
 * their pages come together, and hands each to whoever fetches the contents. For prefetch
 * and for the beginning of a mount. One thread; blocks for pages only.
 */
#ifndef CAIRN_CLI_PROFILE_RUN_H
#define CAIRN_CLI_PROFILE_RUN_H

#include "cli/reader.h"
#include "format/profile.h"

/* A read whose file is there: [offset, offset+size), within the file. Non-zero stops, and
 * is returned. */
typedef int (*profile_run_fn)(void *ctx, const struct entry *e, uint64_t offset,
	uint64_t size, struct trouble *t);

struct profile_run {
	struct reader *reader;
	const struct profile *profile;
	profile_run_fn each;
	void *ctx;
	size_t absent; /* out: reads of files that are not there (any more) */
};

/* Asks for the pages of the directories that the files are in as well, which nobody waits
 * for: a program that opens a file looks for others beside it. */
int profile_run(struct profile_run *r, struct trouble *t);

#endif
