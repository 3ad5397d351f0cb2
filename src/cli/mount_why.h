/* SPDX-License-Identifier: MIT */
/*
 * What the requests that wait in this mount wait for, as the control socket tells it
 * (cairn why): a line for each, then {"parked": COUNT}. man/cairn-why.1 has the members.
 */
#ifndef CAIRN_CLI_MOUNT_WHY_H
#define CAIRN_CLI_MOUNT_WHY_H

#include "control/control.h"
#include "fs/session.h"

/* With a sentence. */
int mount_why(struct session *session, struct control_stream *s, struct trouble *t);

#endif
