/* SPDX-License-Identifier: MIT */
/*
 * How a running mount is doing, in the text format of Prometheus (exposition formats
 * 0.0.4): base units, counters end in _total, each series has the mount point as a label,
 * so that those of several mounts fit into one place. Any thread.
 */
#ifndef CAIRN_CLI_METRICS_TEXT_H
#define CAIRN_CLI_METRICS_TEXT_H

#include <stddef.h>

#include "cli/running_mount.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Heap. ERR_NO_MEMORY. */
int metrics_text(const struct running_mount *m, char **text, size_t *size);

#endif
