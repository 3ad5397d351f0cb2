/* SPDX-License-Identifier: MIT */
/* Where a server is to listen, as people write it. Pure. */
#ifndef CAIRN_CLI_LISTEN_ADDRESS_H
#define CAIRN_CLI_LISTEN_ADDRESS_H

#include <stdint.h>

/* "host:port", "[v6]:port", ":port", "host" or "v6"; *host points into `text`, which is
 * cut, or is "0.0.0.0"; *port is untouched where there is none. ERR_INVALID. */
int listen_address_split(char *text, const char **host, uint16_t *port);

#endif
