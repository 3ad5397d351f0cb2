/* SPDX-License-Identifier: MIT */
/*
 * The URL below which a store lies, checked and in one spelling, and its origin: scheme,
 * host and port, which is what connections, credentials and health belong to. Pure; any
 * thread.
 */
#ifndef CAIRN_NET_BASE_URL_H
#define CAIRN_NET_BASE_URL_H

#include <curl/curl.h>

#include "util/error.h"

#define URL_SIZE_MAX 4096

/* https://, http:// or file://, with or without a trailing '/'; no user name or password in
 * it, no '?' or '#'. *url without a trailing '/', *origin as base_url_origin(); heap, both
 * the caller's. ERR_INVALID with a sentence, ERR_NO_MEMORY. */
int base_url_parse(const char *given, char **url, char **origin, struct trouble *t);

/* "https://host:443" of a parsed URL, in lower case and with the scheme's own port spelt
 * out; "file://" has neither host nor port. Heap; NULL without memory. */
char *base_url_origin(CURLU *u);

#endif
