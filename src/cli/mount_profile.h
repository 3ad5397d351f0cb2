/* SPDX-License-Identifier: MIT */
/*
 * What a mount fetches of its own accord when it begins: what the profile of its dataset,
 * or of a file, says that programs will read. A thread of its own, which ends when all of
 * it has come; whatever goes wrong is a word in the log. Readers come first: what they wait
 * for overtakes it.
 */
#ifndef CAIRN_CLI_MOUNT_PROFILE_H
#define CAIRN_CLI_MOUNT_PROFILE_H

#include "cli/mount_options.h"
#include "cli/reader.h"

struct mount_profile;
/* Both are borrowed. *out NULL: none is asked for. ERR_NO_MEMORY, ERR_NO_THREADS. */
int mount_profile_start(
	const struct mount_request *m, struct reader *r, struct mount_profile **out);
/* Ends it, whatever it waits for; no other source_run() of the dataset may be needed any
 * more. NULL is taken. */
void mount_profile_stop(struct mount_profile *p);

#endif
