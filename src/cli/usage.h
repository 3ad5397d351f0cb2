/* SPDX-License-Identifier: MIT */
/*
 * How much lies below a directory: from the subtotals of the pages, at the cost of the
 * pages on the way to it and to each directory that is told of, whatever lies in them.
 * For `cairn du`. The tool's thread.
 */
#ifndef CAIRN_CLI_USAGE_H
#define CAIRN_CLI_USAGE_H

#include "cli/reader.h"

struct usage {
	uint64_t entries;  /* the directory itself and all below it */
	uint64_t bytes;	   /* sizes of files; one with several names counts for each */
	uint64_t resident; /* bytes of those that are in the cache, if that was asked for */
};

struct usage_options {
	unsigned depth; /* directories so far below are told of; 0: none */
	bool resident;	/* at the cost of a walk over all entries */
};

/* Told of each directory that is not empty, after those in it; `path` is borrowed. Non-zero
 * stops and is returned. */
typedef int (*usage_fn)(void *ctx, const char *path, const struct usage *u);
/* Of `e`, which is at `path` and need not be a directory. A code with a sentence. */
int usage_each(struct reader *r, const char *path, const struct entry *e,
	const struct usage_options *options, usage_fn each, void *ctx, struct trouble *t);

#endif
