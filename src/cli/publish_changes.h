/* SPDX-License-Identifier: MIT */
/*
 * What `cairn publish --dry-run` tells: the changes, by number and by name. On stdout, as
 * they are found. The main thread.
 */
#ifndef CAIRN_CLI_PUBLISH_CHANGES_H
#define CAIRN_CLI_PUBLISH_CHANGES_H

#include <jansson.h>

#include "cli/change.h"

struct publish_changes {
	bool names; /* a line for each; set by the caller */
	bool json;  /* a JSON object on each line */
	uint64_t counts[CHANGE_KINDS];
};

/* A comparison_fn; `ctx` is a struct publish_changes. */
int publish_changes_tell(void *ctx, const struct entry *before, const struct entry *after);
/* "3 added, 1 removed", "no name changed"; no newline. */
void publish_changes_print(const struct publish_changes *c);
/* {"added": 3, ...}; the caller's reference, NULL without memory. */
json_t *publish_changes_json(const struct publish_changes *c);

#endif
