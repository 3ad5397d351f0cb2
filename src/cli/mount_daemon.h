/* SPDX-License-Identifier: MIT */
/*
 * The process that mounts: opens everything (threads, curl and TLS begin here, after any
 * fork), mounts, and serves until it is unmounted. In the background it talks to its
 * parent (mount_background.h) over a socket pair:
 *
 *   daemon -> parent  a verdict: mounted (the kernel has said hello), or failed, with words
 *   parent -> daemon  after "mounted", one byte: KEEP, or DROP when the stat failed, upon
 *                     which a second verdict tells why. An end of file (the parent was
 *                     interrupted) is DROP as well, at any time before KEEP.
 *
 * Threads: the caller's serves; in the background a second one hears the parent.
 */
#ifndef CAIRN_CLI_MOUNT_DAEMON_H
#define CAIRN_CLI_MOUNT_DAEMON_H

#include "cli/mount_options.h"

struct mount_verdict {
	int code; /* 0: mounted */
	char text[TROUBLE_MAX];
};
enum { MOUNT_KEEP = 'k', MOUNT_DROP = 'd' };

/* All that the child of a fork has to do: its exit status. Closes `channel`. */
int mount_daemon_run(struct mount_request *m, int channel);
/* The same without a parent: 0 once it was unmounted, else a code with a sentence. */
int mount_daemon_foreground(struct mount_request *m, struct trouble *t);

#endif
