/* SPDX-License-Identifier: MIT */
/*
 * The socket that the embedded server listens on. Any thread; looks `host` up, so it may
 * take as long as DNS does.
 */
#ifndef CAIRN_NET_SERVE_LISTEN_H
#define CAIRN_NET_SERVE_LISTEN_H

#include <stdint.h>

#include "util/error.h"

/* The arguments as in serve_options. *out is the caller's to close. ERR_INVALID for a host
 * that cannot be found, else the system's error. */
int serve_listen(const char *host, uint16_t port, int *out, struct trouble *t);
/* The port that it got; 0 when that cannot be told. */
uint16_t serve_listen_port(int fd);

#endif
