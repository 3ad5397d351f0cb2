/* SPDX-License-Identifier: MIT */
/*
 * A mount that runs, as those see it that stand beside its requests: the control socket,
 * the metrics. A value; what it points to lives longer than they.
 */
#ifndef CAIRN_CLI_RUNNING_MOUNT_H
#define CAIRN_CLI_RUNNING_MOUNT_H

#include "cli/mount_follow.h"

struct running_mount {
	const struct mount_request *request;
	struct reader *reader;
	struct session *session;
	struct mount_follow *follow;
	int64_t began; /* CLOCK_MONOTONIC ns */
};

#endif
