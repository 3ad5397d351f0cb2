/* SPDX-License-Identifier: MIT */
/*
 * A mount in the background: starts the daemon (mount_daemon.h), waits for its verdict,
 * proves the mount by a stat, and says on stderr what went wrong. For `cairn mount`, which
 * ends then; no threads may run yet, since it forks.
 */
#ifndef CAIRN_CLI_MOUNT_BACKGROUND_H
#define CAIRN_CLI_MOUNT_BACKGROUND_H

#include "cli/mount_options.h"

/* The exit status, in the parent and in the daemon alike. A mount that failed is gone when
 * it returns. */
int mount_background(struct mount_request *m);

#endif
