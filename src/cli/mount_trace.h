/* SPDX-License-Identifier: MIT */
/*
 * What is read in this mount, as the control socket tells it (cairn trace): {"begun":
 * true}, then a line for each read, until the other end goes. man/cairn-trace.1 has the
 * members.
 */
#ifndef CAIRN_CLI_MOUNT_TRACE_H
#define CAIRN_CLI_MOUNT_TRACE_H

#include "control/control.h"
#include "fs/session.h"

/* With a sentence. */
int mount_trace(struct session *session, struct control_stream *s, struct trouble *t);

#endif
