/* SPDX-License-Identifier: MIT */
/*
 * Writes the metrics of a mount (metrics_text.h) into a file every ten seconds, each time
 * whole under its name or not at all: for the textfile collector of node_exporter. A thread
 * of its own, which may wait for that disk.
 */
#ifndef CAIRN_CLI_METRICS_FILE_H
#define CAIRN_CLI_METRICS_FILE_H

#include "cli/running_mount.h"

struct metrics_file;
/* `path` (absolute) and `m` are borrowed. What goes wrong with the file is logged, once for
 * each cause. ERR_NO_MEMORY, ERR_NO_THREADS. */
int metrics_file_start(
	const struct running_mount *m, const char *path, struct metrics_file **out);
/* Removes the file: figures of a mount that is gone are none. May be NULL. */
void metrics_file_stop(struct metrics_file *f);

#endif
