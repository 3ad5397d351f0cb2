/* SPDX-License-Identifier: MIT */
/* What a running mount can be asked by its control socket: `update`. */
#ifndef CAIRN_CLI_MOUNT_CONTROL_H
#define CAIRN_CLI_MOUNT_CONTROL_H

#include "cli/mount_follow.h"
#include "control/control.h"

/* Listens for the mount at that resolved path; `f` is borrowed. With a sentence. */
int mount_control_start(const char *mountpoint, struct mount_follow *f,
	struct control **out, struct trouble *t);

#endif
