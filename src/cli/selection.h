/* SPDX-License-Identifier: MIT */
/*
 * The paths that a command line names: plain paths, and globs (fnmatch(3): * ? [...]
 * within one component, ** across components). The tool's thread.
 */
#ifndef CAIRN_CLI_SELECTION_H
#define CAIRN_CLI_SELECTION_H

#include "cli/reader.h"

typedef int (*selection_fn)(void *ctx, const char *path, const struct entry *e,
	uint64_t rank, struct trouble *t);
/* Calls `each` for every entry that `text` names. ERR_ABSENT with a sentence when it names
 * none. A directory stands for itself: what is below it is each's business. */
int selection_each(struct reader *r, const char *text, selection_fn each, void *ctx,
	struct trouble *t);

#endif
