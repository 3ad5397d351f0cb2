/* SPDX-License-Identifier: MIT */
/*
 * How a running mount is doing, as JSON: what `cairn status` is told by its control socket.
 * cairn-status(1) has the members. Any thread.
 */
#ifndef CAIRN_CLI_MOUNT_STATE_JSON_H
#define CAIRN_CLI_MOUNT_STATE_JSON_H

#include <jansson.h>

#include "cli/mount_state.h"

/* Adds the members to `out`. */
void mount_state_json(const struct running_mount *m, json_t *out);

#endif
