/* SPDX-License-Identifier: MIT */
/*
 * Where `-o metrics=HOST:PORT|FILE` has a mount's metrics: a file (metrics_file.h), or
 * http://HOST:PORT/metrics.
 */
#ifndef CAIRN_CLI_METRICS_H
#define CAIRN_CLI_METRICS_H

#include "cli/running_mount.h"

struct metrics_place;
/* `m` and `where`, which metrics_where_check() found good, are borrowed. With a sentence.
 */
int metrics_start(const struct running_mount *m, const char *where,
	struct metrics_place **out, struct trouble *t);
void metrics_stop(struct metrics_place *p); /* may be NULL */

#endif
