/* SPDX-License-Identifier: MIT */
/*
 * Has a mount follow its dataset: a thread that asks for a newer revision at intervals and
 * on SIGHUP, and has the session show it. What it cannot have or must not accept leaves the
 * mount where it is, with one line in the log for each cause.
 */
#ifndef CAIRN_CLI_MOUNT_FOLLOW_H
#define CAIRN_CLI_MOUNT_FOLLOW_H

#include "cli/mount_options.h"
#include "cli/reader.h"

struct mount_follow;
/* For a mount of the newest revision or of a tag, which the session shows; all are
 * borrowed. SIGHUP is its own from now on. ERR_NO_MEMORY. */
int mount_follow_start(const struct mount_request *m, struct reader *r,
	struct session *session, struct mount_follow **out);
/* Waits for what is under way. May be NULL. */
void mount_follow_stop(struct mount_follow *f);

#endif
