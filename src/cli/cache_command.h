/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of `cairn cache` share, and `cairn du`. cmd_cache.c reads the command line
 * into it and calls the verb: cache_report.h, cache_ls.h, cache_keep.h. A verb returns 0,
 * or a code with a sentence in `t`, or EXIT_USE when it has said so already. The tool's
 * thread.
 */
#ifndef CAIRN_CLI_CACHE_COMMAND_H
#define CAIRN_CLI_CACHE_COMMAND_H

#include "cli/reader.h"

struct cache_command {
	struct reader_options reader;
	bool json, repair, all, has_target;
	uint64_t target;  /* bytes, for evict --to */
	const char *html; /* FILE of report, or NULL */
	int argc;	  /* operands behind the verb: URL or mount point, paths */
	char **argv;
};

/* Opens the dataset that operand 0, which must be there, names. `offline`: what the cache
 * knows is enough.
 * *below: the path behind a mount point, heap, or NULL. */
int cache_command_open(struct cache_command *c, bool offline, struct reader *r,
	char **below, struct trouble *t);

/* Opens it, and calls `each` for every path among the operands, or once for all of the
 * dataset (or of what is below the mount point) when there is none. `each` gets the path
 * as the format has it; non-zero from it stops and is returned. */
typedef int (*cache_command_path_fn)(
	void *ctx, struct reader *r, const char *path, struct trouble *t);
int cache_command_each_path(struct cache_command *c, bool offline,
	cache_command_path_fn each, void *ctx, struct trouble *t);

#endif
