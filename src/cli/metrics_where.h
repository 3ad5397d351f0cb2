/* SPDX-License-Identifier: MIT */
/* What `-o metrics=` may hold: HOST:PORT, or the absolute path of a file. Pure. */
#ifndef CAIRN_CLI_METRICS_WHERE_H
#define CAIRN_CLI_METRICS_WHERE_H

#include <stdint.h>

/* ERR_INVALID, ERR_NO_MEMORY. */
int metrics_where_check(const char *where);
/* Of HOST:PORT; `copy` is cut up, *host points into it. ERR_INVALID. */
int metrics_where_split(char *copy, const char **host, uint16_t *port);

#endif
