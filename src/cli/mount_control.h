/* SPDX-License-Identifier: MIT */
/* What a running mount can be asked by its control socket: `status`, `trace`, `update`,
 * `why`. */
#ifndef CAIRN_CLI_MOUNT_CONTROL_H
#define CAIRN_CLI_MOUNT_CONTROL_H

#include "cli/running_mount.h"
#include "control/control.h"

/* Listens for it; `m` is borrowed. With a sentence. */
int mount_control_start(struct running_mount *m, struct control **out, struct trouble *t);

#endif
