/* SPDX-License-Identifier: MIT */
/*
 * Asks mounts how they are doing, all at a time: one that hangs costs a second, and so do
 * many. Blocking; one thread calls.
 */
#ifndef CAIRN_CLI_STATUS_ASK_H
#define CAIRN_CLI_STATUS_ASK_H

#include <jansson.h>

#include "cli/mounts.h"

struct status_answer {
	const struct mount_record *mount; /* borrowed */
	json_t *reply;			  /* owned; NULL: there is none, for: */
	struct trouble trouble;
};
/* One for each of `count` mounts. Those that could not be asked say so. */
void status_ask(const struct mount_record *mounts, size_t count, struct status_answer *out);
void status_answers_release(struct status_answer *answers, size_t count);

#endif
