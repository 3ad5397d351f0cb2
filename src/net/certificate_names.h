/* SPDX-License-Identifier: MIT */
/*
 * The names and addresses that a certificate of the embedded server is good for: its
 * subject alternative names (RFC 5280, 4.2.1.6). Asks the system for its own; any thread.
 */
#ifndef CAIRN_NET_CERTIFICATE_NAMES_H
#define CAIRN_NET_CERTIFICATE_NAMES_H

#include <stdbool.h>
#include <openssl/x509v3.h>

/* localhost, 127.0.0.1, ::1, the machine's names and `host`; where that is a wildcard
 * address or NULL, all the machine's addresses instead. GENERAL_NAMES_free() it; NULL
 * without memory. */
GENERAL_NAMES *certificate_names_collect(const char *host);
/* Whether a client that asks for `host` accepts it; a wildcard asks for nothing. */
bool certificate_names_cover(X509 *cert, const char *host);

#endif
