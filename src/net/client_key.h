/* SPDX-License-Identifier: MIT */
/*
 * A client certificate and its private key, looked at before libcurl uses them: left alone,
 * OpenSSL would ask for a password on the terminal, from the fetcher's thread. Any thread;
 * reads files.
 */
#ifndef CAIRN_NET_CLIENT_KEY_H
#define CAIRN_NET_CLIENT_KEY_H

#include <stdbool.h>

#include "util/error.h"

#define CLIENT_KEY_PASSWORD_MAX 1024 /* bytes, with the NUL */

/* Does a private key in this PEM file need a password? False also when there is none. */
bool client_key_is_encrypted(const char *file);
/* `key` NULL: it is in the certificate's file; `password` NULL: none was given. With a
 * sentence: ERR_DENIED (it needs a password, or another one), ERR_INVALID (no certificate,
 * no key, or they do not belong together). */
int client_key_check(
	const char *cert, const char *key, const char *password, struct trouble *t);

#endif
