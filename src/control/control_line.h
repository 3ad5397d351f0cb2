/* SPDX-License-Identifier: MIT */
/*
 * What both ends of a mount's control socket do: lines of JSON over a stream, and its
 * address. Blocking, up to a deadline; any thread.
 */
#ifndef CAIRN_CONTROL_CONTROL_LINE_H
#define CAIRN_CONTROL_CONTROL_LINE_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format/json.h"

#define CONTROL_LINE_MAX (1u << 20) /* bytes */

/* ERR_UNREACHABLE: the other end is gone, or takes nothing. */
int control_send(int fd, const json_t *object);
/* The next line, an object, the caller's. `rest` keeps what came behind it. ERR_ABSENT: no
 * more come; ERR_TIMEOUT, at CLOCK_MONOTONIC ns (0: never); ERR_CORRUPT, ERR_LIMIT,
 * ERR_UNREACHABLE. */
int control_receive(int fd, int64_t deadline, struct bytes *rest, json_t **out);

/* Binds or connects, whatever the length of the path; 0 or -1 with errno. */
typedef int (*control_at_fn)(int fd, const struct sockaddr *address, socklen_t size);
int control_at(int fd, const char *path, control_at_fn call);

#endif
