/* SPDX-License-Identifier: MIT */
/* The verbs of `cairn cache`. Each gets what stands behind its name, returns 0 or a code
 * with a sentence in `t`, EXIT_USE when it has said so already. */
#ifndef CAIRN_CLI_CACHE_COMMANDS_H
#define CAIRN_CLI_CACHE_COMMANDS_H

#include "cli/reader.h"

struct cache_command {
	struct reader_options reader;
	bool json, repair, all, has_target;
	uint64_t target; /* bytes, for evict --to */
	int argc;	 /* operands behind the verb */
	char **argv;
};

int cache_command_info(struct cache_command *c, struct trouble *t);
int cache_command_ls(struct cache_command *c, struct trouble *t);
int cache_command_verify(struct cache_command *c, struct trouble *t);
int cache_command_evict(struct cache_command *c, struct trouble *t);
int cache_command_pin(struct cache_command *c, struct trouble *t);
int cache_command_unpin(struct cache_command *c, struct trouble *t);

/* Opens the dataset that operand 0 (URL or mount point) names. `offline`: what the cache
 * knows is enough. *below: the path behind a mount point, heap, or NULL. */
int cache_command_open(struct cache_command *c, bool offline, struct reader *r,
	char **below, struct trouble *t);

#endif
