/* SPDX-License-Identifier: MIT */
/*
 * Asks a running mount by its control socket (control.h). Blocking; for commands.
 */
#ifndef CAIRN_CONTROL_CONTROL_ASK_H
#define CAIRN_CONTROL_CONTROL_ASK_H

#include <jansson.h>
#include <stdint.h>

#include "util/error.h"

/* The reply to the command, the caller's. `wait` ns for it, once the mount has said that it
 * is there, for which it has a second. ERR_UNREACHABLE: nobody is there; ERR_TIMEOUT: the
 * mount hangs; what it answers itself; each with a sentence about `path`'s mount, `name`.
 */
int control_ask(const char *path, const char *name, const char *command, int64_t wait,
	json_t **reply, struct trouble *t);

/* The same for a request, {"command": ..., ...}, that is answered by several lines:
 * `each` has them as they come, borrowed, `wait` ns (0: for ever) from one to the next.
 * Non-zero from it stops, and is returned. */
typedef int (*control_line_fn)(void *ctx, const json_t *line);
int control_ask_lines(const char *path, const char *name, const json_t *request,
	int64_t wait, control_line_fn each, void *ctx, struct trouble *t);

#endif
