/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/metrics_where.h"

#include <stdlib.h>
#include <string.h>

#include "cli/listen_address.h"
#include "util/error.h"

int metrics_where_split(char *copy, const char **host, uint16_t *port)
{
	*port = 0;
	if (listen_address_split(copy, host, port) || !*port)
		return ERR_INVALID;
	return 0;
}

int metrics_where_check(const char *where)
{
	const char *host;
	uint16_t port;
	char *copy;
	int rc;

	if (*where == '/')
		return where[strlen(where) - 1] == '/' ? ERR_INVALID : 0;
	copy = strdup(where);
	rc = copy ? metrics_where_split(copy, &host, &port) : ERR_NO_MEMORY;
	free(copy);
	return rc;
}
